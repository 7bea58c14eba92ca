package io.sharedip.examples.lab;

/** Three virtual machines behind the host's sockets. */
class SocketUplinkVmTest extends VirtualMachineTests {

    SocketUplinkVmTest() {
        super(GatewayFile.withSockets());
    }
}
