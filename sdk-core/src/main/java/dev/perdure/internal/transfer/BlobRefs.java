package dev.perdure.internal.transfer;

import dev.perdure.session.BlobRef;
import dev.perdure.session.Json;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/**
 * What looks like a reference to a blob in the events and items of a session, whatever their types, those of later versions included. A blob is kept before
 * what refers to it, so that it is there; what only looks like a reference has none. Confined.
 */
final class BlobRefs {
    private final Set<BlobRef> found = new LinkedHashSet<>();

    void look(Json json) {
        Optional<String> sha256 = json.findText("sha256").filter(text -> text.matches("[0-9a-f]{64}"));
        Optional<Json> size = json.find("size").filter(number -> number.text().matches("[0-9]{1,18}"));
        if (sha256.isPresent() && size.isPresent()) {
            found.add(new BlobRef(sha256.get(), size.get().as(Long.class)));
        }
        boolean scalar = !json.isObject() && json.elements().isEmpty();
        if (scalar && json.text().startsWith("\"blob:")) {
            BlobRef.ofUri(json.as(String.class)).ifPresent(found::add);
        }
        json.names().forEach(name -> json.find(name).ifPresent(this::look));
        json.elements().forEach(this::look);
    }

    Set<BlobRef> found() {
        return found;
    }
}
