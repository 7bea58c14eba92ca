package io.sharedip.dns;

import java.util.List;

/**
 * What the DNS says to some guests: answers of its own, names that do not exist for them, and where other questions go. A guest's own
 * view is looked at before the one that is common to all guests; in each an answer counts more than a block.
 *
 * <p>Immutable and thread-safe.
 *
 * @param answers given by the gateway itself; a name that has one does not go upstream, whatever type is asked for
 * @param blocked names that do not exist: {@code ads.example} is that name alone, {@code *.ads.example} every name below it
 * @param routes where questions go; without one for {@code .} other questions go to the servers of the host
 */
public record DnsView(List<DnsRecord> answers, List<DomainName> blocked, List<DnsRoute> routes) {

    /** A view that says nothing. */
    public static final DnsView EMPTY = new DnsView(List.of(), List.of(), List.of());

    /**
     * Copies the lists.
     *
     * @param answers given by the gateway itself
     * @param blocked names that do not exist
     * @param routes where questions go
     */
    public DnsView {
        answers = List.copyOf(answers);
        blocked = List.copyOf(blocked);
        routes = List.copyOf(routes);
    }

    /**
     * This with other {@link #answers}.
     *
     * @param texts in the form of {@link DnsRecord}
     * @return a new object
     * @throws io.sharedip.ConfigurationException if one cannot be parsed
     */
    public DnsView withAnswers(String... texts) {
        return new DnsView(List.of(texts).stream().map(DnsRecord::parse).toList(), blocked, routes);
    }

    /**
     * This with other {@link #blocked} names.
     *
     * @param texts such as {@code *.ads.example}
     * @return a new object
     * @throws io.sharedip.ConfigurationException if one cannot be parsed
     */
    public DnsView withBlocked(String... texts) {
        return new DnsView(
                answers, List.of(texts).stream().map(DomainName::parse).toList(), routes);
    }

    /**
     * This with other {@link #routes}.
     *
     * @param texts in the form of {@link DnsRoute}
     * @return a new object
     * @throws io.sharedip.ConfigurationException if one cannot be parsed
     */
    public DnsView withRoutes(String... texts) {
        return new DnsView(
                answers, blocked, List.of(texts).stream().map(DnsRoute::parse).toList());
    }
}
