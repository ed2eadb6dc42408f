#pragma once
// The beta distribution, for the beta sigma schedule.

namespace kinora::pipelines {

// Regularised incomplete beta function I_x(a, b), x in [0, 1], a and b > 0. Relative error about
// 1e-14. Source: DLMF 8.17.22, the continued fraction.
double incompleteBeta(double a, double b, double x);

// x with I_x(a, b) = p, p in [0, 1].
double inverseIncompleteBeta(double a, double b, double p);

} // namespace kinora::pipelines
