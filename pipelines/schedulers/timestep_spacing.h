#pragma once
// Which training timesteps a run visits. Source: Lin et al. 2024, table 2; the samplers differ in
// rounding and end points, as the classes of diffusers do.

#include <cstdint>
#include <vector>

namespace kinora::pipelines {

// numpy.linspace: count points from start to end, both included (one point: start).
std::vector<double> linspace(double start, double end, int count);

// (first + count - 1) * ratio + offset ... first * ratio + offset, falling.
std::vector<double> leadingTimesteps(int64_t ratio, int first, int count, int64_t offset);

// round(from - i * ratio) - 1 while above -1, at most `count` of them. (For some counts, 61 among
// them, numpy's arange goes on to one more timestep, -1, at which the reference's last step reads
// the noise level of the other end: that step is left out here.)
std::vector<double> trailingTimesteps(int64_t from, double ratio, int count);

} // namespace kinora::pipelines
