/** SPI of servers that the gateway offers to its guests, such as DNS. */
@NullMarked
package io.sharedip.service;

import org.jspecify.annotations.NullMarked;
