package dev.perdure.examples;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.lang.conditions.ArchConditions.have;
import static com.tngtech.archunit.lang.conditions.ArchPredicates.are;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaAnnotation;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaParameter;
import com.tngtech.archunit.core.domain.JavaType;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What must stay true of all modules at once. It stands here because this module sees every other one. */
class ArchitectureTest {
    private static final String EXAMPLES = "dev.perdure.examples..";
    private static final Pattern INTERNAL = Pattern.compile("^(.+?)\\.internal(\\..*)?$");
    private static final Pattern EMPTY_NAME = Pattern.compile("(.*(Manager|Helper|Utils?|Impl))|(Base([A-Z].*)?)");

    private static final JavaClasses ALL = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.perdure");

    /** A module that is not a dependency of this one would pass every other test here unseen. */
    @Test
    void everyModuleWithClassesIsLookedAt() throws IOException {
        Set<String> places = ALL.stream().map(ArchitectureTest::place).collect(Collectors.toSet());
        for (String module : modulesWithSources()) {
            String artifact = module.replaceFirst("^sdk-", "perdure-");
            assertThat(places)
                    .as("module %s", module)
                    .anyMatch(place -> place.contains("/" + module + "/") || place.contains("/" + artifact + "/"));
        }
    }

    @Test
    void publicSignatures_nameNoThirdPartyOrInternalType() {
        classes()
                .that(are(outsideInternal()))
                .and(resideOutsideOfPackage(EXAMPLES))
                .and(visible())
                .should(condition("name only allowed types in public and protected signatures", (item, events) -> {
                    for (JavaClass type : signature(item).collect(Collectors.toSet())) {
                        if (!allowedInSignatureOf(item, type.getBaseComponentType())) {
                            events.add(SimpleConditionEvent.violated(
                                    item, item.getName() + " shows " + type.getName() + " in its signature"));
                        }
                    }
                }))
                .check(ALL);
    }

    @Test
    void publicPackages_haveNoCycles() {
        slices().assignedFrom(new PublicPackages()).should().beFreeOfCycles().check(ALL);
    }

    @Test
    void internalPackages_areUsedOnlyByTheirOwnRootPackage() {
        classes()
                .should(dependOnInternalTypesOnlyIf("they are of the package that owns them", (user, used) -> {
                    String owner = internalOwner(used);
                    return user.getPackageName().equals(owner) || owner.equals(internalOwner(user));
                }))
                .check(ALL);
    }

    @Test
    void internalPackages_areUsedByNoOtherModule() {
        classes()
                .should(dependOnInternalTypesOnlyIf(
                        "they are of the same module",
                        (user, used) -> place(user).equals(place(used))))
                .check(ALL);
    }

    @Test
    void everyPackage_isNullMarked() {
        classes()
                .should(condition("be in a package with @NullMarked in its package-info", (item, events) -> {
                    if (!item.getPackage().isAnnotatedWith("org.jspecify.annotations.NullMarked")) {
                        events.add(SimpleConditionEvent.violated(item, item.getPackageName() + " is not @NullMarked"));
                    }
                }))
                .check(ALL);
    }

    @Test
    void libraries_doNotPrint() {
        noClasses()
                .that(resideOutsideOfPackage(EXAMPLES))
                .should(ACCESS_STANDARD_STREAMS)
                .check(ALL);
    }

    @Test
    void names_saySomething() {
        noClasses()
                .should(have(DescribedPredicate.describe(
                        "a name like *Manager, *Helper, *Util, *Impl or Base*",
                        type -> EMPTY_NAME.matcher(type.getSimpleName()).matches())))
                .check(ALL);
    }

    // ---- signatures

    private static Stream<JavaClass> signature(JavaClass type) {
        Stream<JavaType> parents = Stream.concat(type.getSuperclass().stream(), type.getInterfaces().stream());
        return Stream.of(
                        raw(parents),
                        raw(type.getTypeParameters().stream()),
                        annotationTypes(type.getAnnotations()),
                        type.getCodeUnits().stream()
                                .filter(ArchitectureTest::shown)
                                .flatMap(ArchitectureTest::signature),
                        type.getFields().stream()
                                .filter(ArchitectureTest::shown)
                                .flatMap(ArchitectureTest::signature))
                .flatMap(part -> part);
    }

    private static Stream<JavaClass> signature(JavaCodeUnit unit) {
        return Stream.of(
                        raw(Stream.of(unit.getReturnType())),
                        raw(unit.getParameterTypes().stream()),
                        raw(unit.getTypeParameters().stream()),
                        unit.getExceptionTypes().stream(),
                        annotationTypes(unit.getAnnotations()),
                        unit.getParameters().stream()
                                .map(JavaParameter::getAnnotations)
                                .flatMap(ArchitectureTest::annotationTypes))
                .flatMap(part -> part);
    }

    private static Stream<JavaClass> signature(JavaField field) {
        return Stream.concat(raw(Stream.of(field.getType())), annotationTypes(field.getAnnotations()));
    }

    private static Stream<JavaClass> raw(Stream<? extends JavaType> types) {
        return types.flatMap(type -> type.getAllInvolvedRawTypes().stream());
    }

    private static Stream<JavaClass> annotationTypes(Set<? extends JavaAnnotation<?>> annotations) {
        return annotations.stream().map(JavaAnnotation::getRawType);
    }

    private static boolean shown(JavaMember member) {
        Set<JavaModifier> modifiers = member.getModifiers();
        return !modifiers.contains(JavaModifier.SYNTHETIC)
                && (modifiers.contains(JavaModifier.PUBLIC) || modifiers.contains(JavaModifier.PROTECTED));
    }

    private static boolean allowedInSignatureOf(JavaClass user, JavaClass type) {
        String name = type.getName();
        if (type.isPrimitive() || name.startsWith("java.") || name.startsWith("javax.sql.")) {
            return true;
        }
        if (name.startsWith("dev.perdure.")) {
            return outsideInternal().test(type);
        }
        if (user.getPackageName().startsWith("dev.perdure.testkit")
                && (name.startsWith("org.junit.jupiter.") || name.startsWith("org.assertj."))) {
            return true;
        }
        return name.startsWith("org.jspecify.annotations.") || name.equals("io.opentelemetry.api.OpenTelemetry");
    }

    // ---- packages and modules

    private static final class PublicPackages implements SliceAssignment {
        @Override
        public SliceIdentifier getIdentifierOf(JavaClass type) {
            return outsideInternal().test(type) ? SliceIdentifier.of(type.getPackageName()) : SliceIdentifier.ignore();
        }

        @Override
        public String getDescription() {
            return "public packages";
        }
    }

    private static DescribedPredicate<JavaClass> outsideInternal() {
        return DescribedPredicate.not(resideInAPackage("..internal..")).as("outside ..internal..");
    }

    /** Visible to a user: public or protected, and so is every class around it. */
    private static DescribedPredicate<JavaClass> visible() {
        Predicate<JavaClass> shown = type -> type.getModifiers().contains(JavaModifier.PUBLIC)
                || type.getModifiers().contains(JavaModifier.PROTECTED);
        return DescribedPredicate.describe(
                "visible to users",
                type -> Stream.iterate(
                                Optional.of(type),
                                Optional::isPresent,
                                inner -> inner.flatMap(JavaClass::getEnclosingClass))
                        .map(Optional::get)
                        .allMatch(shown));
    }

    private static ArchCondition<JavaClass> dependOnInternalTypesOnlyIf(
            String reason, BiPredicate<JavaClass, JavaClass> allowed) {
        return condition("use internal types only if " + reason, (user, events) -> {
            for (Dependency dependency : user.getDirectDependenciesFromSelf()) {
                JavaClass used = dependency.getTargetClass().getBaseComponentType();
                if (used.getName().startsWith("dev.perdure.")
                        && !outsideInternal().test(used)
                        && !allowed.test(user, used)) {
                    events.add(SimpleConditionEvent.violated(user, dependency.getDescription()));
                }
            }
        });
    }

    /** {@code a.b} for a class in {@code a.b.internal..}, else the empty text. */
    private static String internalOwner(JavaClass type) {
        var matcher = INTERNAL.matcher(type.getPackageName());
        return matcher.matches() ? matcher.group(1) : "";
    }

    /** The jar or folder that holds a class: the same for all classes of one module. */
    private static String place(JavaClass type) {
        String file = type.getSource().orElseThrow().getUri().toString();
        return file.substring(0, file.lastIndexOf(type.getPackageName().replace('.', '/')));
    }

    private static List<String> modulesWithSources() throws IOException {
        try (Stream<Path> folders = Files.list(Path.of("").toAbsolutePath().getParent())) {
            return folders.filter(folder -> folder.getFileName().toString().startsWith("sdk-"))
                    .filter(folder -> Files.isDirectory(folder.resolve("src/main/java")))
                    .map(folder -> folder.getFileName().toString())
                    .toList();
        }
    }

    private interface Check {
        void run(JavaClass item, ConditionEvents events);
    }

    private static ArchCondition<JavaClass> condition(String description, Check check) {
        return new ArchCondition<>(description) {
            @Override
            public void check(JavaClass item, ConditionEvents events) {
                check.run(item, events);
            }
        };
    }
}
