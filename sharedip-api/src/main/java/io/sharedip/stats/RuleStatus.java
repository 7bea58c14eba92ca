package io.sharedip.stats;

import io.sharedip.filter.FilterRule;

/**
 * A filter rule at one moment.
 *
 * @param rule as it was given
 * @param hits times it matched since its chain was put in place
 */
public record RuleStatus(FilterRule rule, long hits) {}
