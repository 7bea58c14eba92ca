package io.sharedip.examples.gateway;

import io.sharedip.SharedIp;
import io.sharedip.event.SharedIpListener;
import io.sharedip.examples.gateway.config.GatewayFile;

/** Makes a running gateway out of a file. */
@FunctionalInterface
interface GatewayStarter {

    /**
     * Starts a gateway.
     *
     * @throws io.sharedip.SharedIpException if it refuses to start; nothing is left behind then
     */
    SharedIp start(GatewayFile file, SharedIpListener listener);
}
