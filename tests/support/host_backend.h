#pragma once
// A back end for tests of what is made of very few ops: host memory, linear combinations and
// clamping in plain double arithmetic, nothing else (any other op is Unsupported). It shows that
// schedulers need no more of a device, and keeps their golden tests free of the real kernels.

#include "kernels/backend/backend_table.h"

namespace kinora::test {

const kernels::BackendTable& hostBackend();

} // namespace kinora::test
