#pragma once
// How many values, their mean, and the sum of their squared distances from it: what variances are
// put together from. Source: Chan, Golub and LeVeque 1983. Private to kernels/cpu.

namespace kinora::kernels::cpu {

struct Moments {
    double count = 0;
    double mean = 0;
    double squares = 0;

    void add(const Moments& other) {
        const double total = count + other.count;
        if (total == 0) return;
        const double distance = other.mean - mean;
        squares += other.squares + distance * distance * count * other.count / total;
        mean += distance * other.count / total;
        count = total;
    }
};

} // namespace kinora::kernels::cpu
