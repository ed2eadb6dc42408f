#pragma once
// Whole numbers rounded up. Values are at least 0, divisors at least 1; value + divisor must fit.

#include <concepts>
#include <type_traits>

namespace kinora {

// How many parts of `size` hold `value`.
template <std::integral T> constexpr T ceilDiv(T value, std::type_identity_t<T> size) {
    return (value + size - 1) / size;
}

// The smallest multiple of `step` that is at least `value`.
template <std::integral T> constexpr T roundUp(T value, std::type_identity_t<T> step) {
    return ceilDiv(value, step) * step;
}

} // namespace kinora
