package io.sharedip.nat.internal;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The laws of ARCHITECTURE.md about who may know what. */
class RoomsTest {

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.sharedip");

    private static final String[] SANS_IO = {
        "io.sharedip.nat.internal.engine..",
        "io.sharedip.nat.internal.flow..",
        "io.sharedip.nat.internal.ports..",
        "io.sharedip.nat.internal.binding..",
        "io.sharedip.nat.internal.filter..",
        "io.sharedip.nat.internal.terminator..",
        "io.sharedip.nat.internal.tcp.."
    };

    @Test
    void the_engine_has_no_thread_clock_socket_lock_or_logger() {
        noClasses()
                .that()
                .resideInAnyPackage(SANS_IO)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "java.util.concurrent..", "java.io..", "java.net..", "java.nio.channels..", "org.slf4j..")
                .orShould()
                .dependOnClassesThat()
                .belongToAnyOf(Thread.class, System.Logger.class, io.sharedip.time.NanoClock.class)
                .orShould()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .check(CLASSES);
    }

    @Test
    void what_surrounds_the_engine_is_not_known_to_it() {
        noClasses()
                .that()
                .resideInAnyPackage(SANS_IO)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.sharedip.nat.internal.gateway..")
                .check(CLASSES);
    }

    @Test
    void tables_and_decisions_know_nothing_of_the_engine() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        "io.sharedip.nat.internal.flow..",
                        "io.sharedip.nat.internal.ports..",
                        "io.sharedip.nat.internal.binding..",
                        "io.sharedip.nat.internal.filter..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.sharedip.nat.internal.engine..", "io.sharedip.link..")
                .check(CLASSES);
    }

    @Test
    void the_tcp_endpoint_knows_nothing_but_octets_and_its_stream() {
        noClasses()
                .that()
                .resideInAPackage("io.sharedip.nat.internal.tcp..")
                .should()
                .dependOnClassesThat(resideInAPackage("io.sharedip..")
                        .and(not(resideInAnyPackage(
                                "io.sharedip.nat.internal.tcp..", "io.sharedip.packet..", "io.sharedip.uplink.."))))
                .check(CLASSES);
    }

    @Test
    void the_api_knows_no_implementation() {
        noClasses()
                .that()
                .resideInAPackage("io.sharedip..")
                .and()
                .resideOutsideOfPackage("io.sharedip.nat..")
                .and()
                .resideOutsideOfPackage("io.sharedip.testing..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.sharedip.nat..")
                .check(CLASSES);
    }
}
