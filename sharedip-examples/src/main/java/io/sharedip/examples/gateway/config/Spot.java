package io.sharedip.examples.gateway.config;

/**
 * A place in a file.
 *
 * @param line counted from 1
 * @param column counted from 1
 */
record Spot(int line, int column) {

    /** Where a file begins. */
    static final Spot START = new Spot(1, 1);

    Spot right(int columns) {
        return new Spot(line, column + columns);
    }
}
