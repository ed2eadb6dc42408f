#include "pipelines/schedulers/incomplete_beta.h"

#include <cmath>
#include <limits>

namespace kinora::pipelines {

namespace {

// The continued fraction by Lentz's method; converges fast for x < (a + 1) / (a + b + 2).
double continuedFraction(double a, double b, double x) {
    constexpr double tiny = 1e-300;
    constexpr double accuracy = std::numeric_limits<double>::epsilon();
    const auto apart = [](double v) { return std::abs(v) < tiny ? tiny : v; };
    double c = 1;
    double d = 1 / apart(1 - (a + b) * x / (a + 1));
    double fraction = d;
    for (int m = 1; m <= 500; ++m) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / apart(1 + even * d);
        c = apart(1 + even / c);
        fraction *= c * d;
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / apart(1 + odd * d);
        c = apart(1 + odd / c);
        fraction *= c * d;
        if (std::abs(c * d - 1) <= accuracy) break;
    }
    return fraction;
}

double logBeta(double a, double b) {
    return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b);
}

double lowerTail(double a, double b, double x) {
    return std::exp(a * std::log(x) + b * std::log1p(-x) - logBeta(a, b)) *
           continuedFraction(a, b, x) / a;
}

} // namespace

double incompleteBeta(double a, double b, double x) {
    if (x <= 0) return 0;
    if (x >= 1) return 1;
    return x < (a + 1) / (a + b + 2) ? lowerTail(a, b, x) : 1 - lowerTail(b, a, 1 - x);
}

double inverseIncompleteBeta(double a, double b, double p) {
    if (p <= 0) return 0;
    if (p >= 1) return 1;
    // From the nearer end, where doubles are dense enough for the smallest tails.
    if (p > incompleteBeta(a, b, 0.5)) return 1 - inverseIncompleteBeta(b, a, 1 - p);
    // Newton's method in log(x), kept within a bracket that bisection narrows.
    double low = std::log(std::numeric_limits<double>::min()), high = std::log(0.5);
    double logX = std::fmin(high, (std::log(p) + std::log(a) + logBeta(a, b)) / a);
    for (int i = 0; i < 200; ++i) {
        const double x = std::exp(logX);
        const double excess = incompleteBeta(a, b, x) - p;
        if (excess == 0) break;
        (excess > 0 ? high : low) = logX;
        const double slope = std::exp(a * logX + (b - 1) * std::log1p(-x) - logBeta(a, b));
        double next = logX - excess / slope;
        if (!(next > low && next < high)) next = (low + high) / 2;
        const bool settled = std::abs(next - logX) <= 1e-16 * std::abs(logX) || next == logX;
        logX = next;
        if (settled) break;
    }
    return std::exp(logX);
}

} // namespace kinora::pipelines
