#pragma once
// The meta back end: tensors with shapes and no numbers. A pipeline that runs on it tells the
// arena's peak and the work of every op, from file headers alone.

#include "kernels/backend/backend_table.h"

namespace kinora::kernels {

const BackendTable& metaBackend();

} // namespace kinora::kernels
