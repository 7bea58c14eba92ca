package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.FAR;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static io.sharedip.examples.lab.OneAddressNetwork.ROUTER;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The network without a gateway: the host reaches everything, the guests nothing. */
@Tag("lab")
class OneAddressNetworkLabTest {

    @Test
    void without_a_gateway_only_the_host_reaches_the_outside() {
        try (Lab lab = Lab.open()) {
            OneAddressNetwork network = new OneAddressNetwork(lab);
            WebServer.start(lab, network.near(), NEAR, 80);
            WebServer.start(lab, network.far(), FAR, 80);

            assertThat(Pages.fetch(network.host(), "http://" + NEAR + "/").out())
                    .isEqualTo("this is near\n");
            assertThat(Pages.fetch(network.host(), "http://" + FAR + "/").out()).isEqualTo("this is far\n");
            assertThat(network.guests())
                    .allSatisfy(guest -> assertThat(guest.run("ping", "-c", "1", "-W", "1", ROUTER)
                                    .ok())
                            .isFalse());
        }
    }
}
