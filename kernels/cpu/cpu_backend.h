#pragma once
// The CPU back end: oneDNN for convolution and matrix products, Highway for the rest.
//
//     BackendRegistry backends;
//     backends.add(cpuBackend());

#include "kernels/backend/backend_table.h"

namespace kinora::kernels {

const BackendTable& cpuBackend();

} // namespace kinora::kernels
