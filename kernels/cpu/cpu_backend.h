#pragma once
// The CPU back end: oneDNN for convolution and matrix products, AMX tiles of our own for linear ops
// in bf16, Highway for the rest.
//
//     BackendRegistry backends;
//     backends.add(cpuBackend());
//
// The same inputs on the same number of threads give the same bytes, whatever ran before.
// conv2d and linear (but for what winograd.h and weight_tiles.h compute) and matmul are oneDNN's
// and may give other bytes on another number of threads (with AVX-512 they seldom do, without it
// often); every other op gives the same bytes on any.

#include "kernels/backend/backend_table.h"

namespace kinora::kernels {

const BackendTable& cpuBackend();

// For plans: a table that computes nothing and takes the memory that the CPU's ops would take, the
// scratch of its kernels and the padding of packed weights with it, on as many threads. It is
// `shapes`, the meta back end, with the entries that depend on the CPU in their places; it keeps
// that one's name.
BackendTable cpuPlanBackend(const BackendTable& shapes);

} // namespace kinora::kernels
