#include "kernels/base/error_code.h"

namespace kinora {

std::optional<ErrorCode> errorCodeNamed(std::string_view name) {
    for (int number = 0; number <= static_cast<int>(ErrorCode::Internal); ++number)
        if (const auto code = static_cast<ErrorCode>(number); errorCodeName(code) == name)
            return code;
    return std::nullopt;
}

} // namespace kinora
