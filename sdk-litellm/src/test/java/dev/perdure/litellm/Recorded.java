package dev.perdure.litellm;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Names the recordings that a test is about, where no source of its parameters does: see {@link AllRecordingsTest}. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
@interface Recorded {
    String[] value();
}
