#pragma once
// The border of core/queue: inside it errors are thrown, outside they are answers.
//
//     return answered([&] { return database.integer("SELECT count(*) FROM jobs"); });

#include "kernels/base/result.h"

#include <new>
#include <type_traits>
#include <utility>

namespace kinora::core {

template <typename Call> auto answered(Call&& call) -> Result<std::invoke_result_t<Call>> {
    try {
        if constexpr (std::is_void_v<std::invoke_result_t<Call>>) {
            call();
            return {};
        } else {
            return call();
        }
    } catch (const Error& error) {
        return error;
    } catch (const std::bad_alloc&) {
        return Error(ErrorCode::OutOfMemory, "Memory ran out.", "Close other programs.");
    } catch (const std::exception& error) {
        return Error(ErrorCode::Internal, std::string("The queue: ") + error.what());
    }
}

} // namespace kinora::core
