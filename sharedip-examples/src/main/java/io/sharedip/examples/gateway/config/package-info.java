/**
 * The gateway's file: reading it, and telling every mistake in it with its place and its cure.
 *
 * <p>A file goes through three steps. {@code YamlFile} makes a tree of places and texts out of it and refuses what this program does
 * not use of YAML. {@code Section}, {@code Value} and {@code Setting} walk that tree and note what is unknown, doubled, missing or of
 * the wrong type. {@code GatewayFileReader} knows the keys and what must agree with what. No step stops at the first mistake.
 */
@NullMarked
package io.sharedip.examples.gateway.config;

import org.jspecify.annotations.NullMarked;
