package io.sharedip.stats;

import io.sharedip.binding.Binding;

/**
 * A binding at one moment.
 *
 * @param binding as it was given
 * @param link name of the guest's link
 * @param linkUp whether the link is up
 * @param violations frames dropped on the link because they broke its bindings
 */
public record BindingStatus(Binding binding, String link, boolean linkUp, long violations) {}
