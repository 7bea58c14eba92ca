/**
 * Network cards by libpcap, and what Linux needs so that its own stack leaves the gateway's traffic alone.
 *
 * <p>{@link io.sharedip.pcap.PcapLink} is a card as a {@link io.sharedip.link.Link}: the uplink, or the near end of a guest's
 * cable. {@link io.sharedip.pcap.LinuxPortClaims} keeps outside ports from the host's kernel, which on an uplink with the host's
 * own address sees every reply as well.
 *
 * <p>Linux on 64-bit machines only, with libpcap 1.9 or later. All of it needs CAP_NET_RAW, CAP_NET_ADMIN or both; in a user
 * namespace of one's own these need no root.
 */
@NullMarked
package io.sharedip.pcap;

import org.jspecify.annotations.NullMarked;
