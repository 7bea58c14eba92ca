package io.sharedip.examples.gateway.control;

import io.sharedip.ConfigurationException;
import io.sharedip.FlowPolicy;
import io.sharedip.SyntaxException;
import io.sharedip.address.IpPrefix;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.UplinkAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The request for another shared address.
 *
 * @param place where the gateway is to stand
 * @param flows what becomes of flows
 */
public record AddressChange(UplinkAddress place, FlowPolicy flows) {

    /** The command's name. */
    static final String COMMAND = "address-change";

    private static final String ADDRESS = "address";
    private static final String ROUTER = "router";
    private static final String ALIAS = "alias";
    private static final String FLOWS = "flows";
    private static final String KEEP = "keep";
    private static final String FLUSH = "flush";

    /**
     * Reads the parts.
     *
     * @param address with the length of its segment's prefix, such as {@code 192.0.2.11/24}
     * @param router the next hop
     * @param alias what stands for the address where a guest owns that itself, if anything
     * @param flows what becomes of flows
     * @return the request
     * @throws SyntaxException if a part is no address
     * @throws ConfigurationException if the parts do not go together
     */
    public static AddressChange parse(String address, String router, Optional<String> alias, FlowPolicy flows) {
        int slash = address.indexOf('/');
        if (slash < 0) {
            throw new ConfigurationException(
                    ADDRESS, address, "lacks the length of its segment's prefix", "write it as in 192.0.2.11/24");
        }
        Ipv4Address shared = Ipv4Address.parse(address.substring(0, slash));
        int length = IpPrefix.parse("0.0.0.0" + address.substring(slash)).length();
        return new AddressChange(
                new UplinkAddress(
                        shared,
                        IpPrefix.containing(shared, length),
                        Ipv4Address.parse(router),
                        alias.map(Ipv4Address::parse)),
                flows);
    }

    /**
     * Reads a request.
     *
     * @throws SyntaxException if a field is no address
     * @throws ConfigurationException if one is missing or unknown, or they do not go together
     */
    static AddressChange of(Request request) {
        String flows = request.arguments().getOrDefault(FLOWS, FLUSH);
        if (!flows.equals(KEEP) && !flows.equals(FLUSH)) {
            throw new ConfigurationException(FLOWS, flows, "is unknown", "use keep or flush");
        }
        return parse(
                request.argument(ADDRESS),
                request.argument(ROUTER),
                Optional.ofNullable(request.arguments().get(ALIAS)),
                flows.equals(KEEP) ? FlowPolicy.KEEP : FlowPolicy.FLUSH);
    }

    /**
     * The request as the control socket takes it.
     *
     * @return the request
     */
    public Request toRequest() {
        Map<String, String> arguments = new LinkedHashMap<>();
        arguments.put(ADDRESS, place.toString());
        arguments.put(ROUTER, place.router().toString());
        place.alias().ifPresent(alias -> arguments.put(ALIAS, alias.toString()));
        arguments.put(FLOWS, flows == FlowPolicy.KEEP ? KEEP : FLUSH);
        return new Request(COMMAND, arguments);
    }
}
