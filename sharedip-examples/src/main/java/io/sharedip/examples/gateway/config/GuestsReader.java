package io.sharedip.examples.gateway.config;

import io.sharedip.GuestId;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.examples.gateway.config.GatewayFile.GuestSettings;
import io.sharedip.examples.gateway.config.GatewayFile.LinkSettings;
import io.sharedip.examples.gateway.config.Setting.Parsed;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads {@code guests}, and sees to it that no two of them share what must be one guest's alone. */
final class GuestsReader {

    private static final String EXAMPLE =
            "{ name: web, mac: \"52:54:00:00:00:01\", address: 192.0.2.10, link: { pcap: vm1 } }";

    private final Segment segment;
    private final Optional<MacAddress> routerMac;
    private final Map<GuestId, Setting> names = new HashMap<>();
    private final Map<MacAddress, Setting> macs = new HashMap<>();
    private final Map<String, String> links = new HashMap<>();
    private boolean complete = true;

    GuestsReader(Segment segment, Optional<MacAddress> routerMac, Optional<String> uplinkCard) {
        this.segment = segment;
        this.routerMac = routerMac;
        uplinkCard.ifPresent(card -> links.put(LinkSettings.Pcap.placeOf(card), "is the uplink's card"));
    }

    List<GuestSettings> read(Section root) {
        List<GuestSettings> guests = new ArrayList<>();
        Optional<Value> value = root.required("guests", "name at least one guest, such as - " + EXAMPLE);
        if (value.isEmpty()) {
            complete = false;
            return guests;
        }
        List<Value> items = value.get().items(EXAMPLE);
        if (items.isEmpty()) {
            complete = false;
            value.get().noteIfEmpty("names no guest", "name at least one, such as - " + EXAMPLE);
        }
        for (Value item : items) {
            Optional<GuestSettings> guest = item.section(EXAMPLE).flatMap(this::guest);
            guest.ifPresent(guests::add);
        }
        return guests;
    }

    /** The guests that were named, whatever else may be wrong with them. */
    Names names() {
        return new Names(List.copyOf(names.keySet()), complete);
    }

    private Optional<GuestSettings> guest(Section section) {
        Optional<Parsed<GuestId>> name = section.requiredText("name", "web", "give the guest a name, such as name: web")
                .flatMap(s -> s.parse(GuestId::of));
        Optional<Parsed<MacAddress>> mac = section.requiredText(
                        "mac",
                        "\"52:54:00:00:00:01\"",
                        "write the guest's MAC address, such as mac: \"52:54:00:00:00:01\"")
                .flatMap(s -> s.parse(Forms::stationMac));
        Optional<Parsed<Ipv4Address>> address = section.requiredText(
                        "address",
                        "192.0.2.10",
                        "give the guest the shared address or a private one, such as address: 10.0.0.2")
                .flatMap(s -> s.parse(Forms::hostAddress));
        Optional<LinkSettings> link = section.required(
                        "link",
                        "say where the guest is plugged in, such as link: { qemu-stream: \"unix:/run/vm1.sock\" }")
                .flatMap(v -> v.section("link: { qemu-stream: \"unix:/run/vm1.sock\" }"))
                .flatMap(this::link);
        section.finish();
        complete &= name.isPresent();
        name.ifPresent(this::checkName);
        mac.ifPresent(this::checkMac);
        address.ifPresent(this::checkAddress);
        return name.flatMap(n -> mac.flatMap(m ->
                address.flatMap(a -> link.map(l -> new GuestSettings(n.value(), m.value(), a.value(), l)))));
    }

    private void checkName(Parsed<GuestId> name) {
        Setting earlier = names.putIfAbsent(name.value(), name.setting());
        if (earlier != null) {
            name.setting().wrong("is the name of another guest too", "rename this one or the one in " + line(earlier));
        }
    }

    private void checkMac(Parsed<MacAddress> mac) {
        Setting earlier = macs.putIfAbsent(mac.value(), mac.setting());
        if (earlier != null) {
            mac.setting()
                    .wrong("is the MAC address of another guest too", "change this one or the one in " + line(earlier));
        }
        if (routerMac.filter(mac.value()::equals).isPresent()) {
            mac.setting().wrong("is what guests see as their router", "change this one or router-mac");
        }
    }

    private static String line(Setting setting) {
        return "line " + setting.scalar().spot().line();
    }

    private void checkAddress(Parsed<Ipv4Address> address) {
        segment.checkIsNoEdge(address);
        String cure = "give the guest the shared address or a private one";
        Segment.checkDiffers(address, segment.router(), "the router's address", cure);
        Segment.checkDiffers(address, segment.alias(), "the alias", cure);
    }

    private Optional<LinkSettings> link(Section section) {
        Optional<Parsed<LinkSettings>> link = LinkReader.read(section);
        link.ifPresent(this::checkLink);
        return link.map(Parsed::value);
    }

    private void checkLink(Parsed<LinkSettings> link) {
        Setting setting = link.setting();
        String earlier =
                links.putIfAbsent(link.value().place(), "is the link of the guest in " + line(setting) + " too");
        if (earlier != null) {
            setting.wrong(earlier, "give each guest a link of its own");
        }
    }
}
