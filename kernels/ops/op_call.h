#pragma once
// What every op does around its back end: look at the cancel token, check operands, log the work.
// Private to kernels/ops.
//
//     OpCall call("concat", {{"left", left}, {"right", right}});
//     call.require(left.dim(0) == right.dim(0), "the outer extents must agree");
//     Tensor output = call.device().empty(shape, left.dtype());
//     call.finish(table.concat(context, &args), {WorkClass::Memory, 0, call.traffic(output)});

#include "kernels/backend/device.h"
#include "kernels/backend/tensor_ref.h"
#include "kernels/backend/weight.h"

#include <chrono>
#include <initializer_list>
#include <string>
#include <vector>

namespace kinora::kernels {

enum class Presence { Required, Optional };

struct Operand {
    const char* name;
    const Tensor& tensor;
    Presence presence = Presence::Required;
};

class OpCall {
  public:
    // Throws Cancelled once the device's token was raised, and Error{Internal} where a required
    // operand is undefined or two operands live on different devices.
    OpCall(const char* name, std::initializer_list<Operand> operands);
    OpCall(const char* name, std::vector<Operand> operands);

    // Throws Error{Internal}: the op's name, the rule, and every operand's shape and dtype.
    void require(bool holds, const char* rule) const;
    // The operand is F32, BF16 or F16.
    void requireComputeDtype(const Tensor& tensor) const;
    // The weight is packed, of this kind, on this device, and computes in `dtype`.
    void requireWeight(const Weight& weight, WeightKind kind, DType dtype) const;
    // Undefined, or f32 with `channels` elements in one axis.
    void requireChannelVector(const Tensor& tensor, int64_t channels) const;

    Device& device() const { return *m_device; }
    const BackendTable& table() const { return m_device->table(); }
    Context* context() const { return m_device->context(); }

    // Bytes of all operands and of the output.
    double traffic(const Tensor& output) const;

    // Turns a status into what it means, and logs the work where it is Ok, with the seconds since
    // this call began.
    void finish(Status status, WorkRecord work) const;

  private:
    void checkOperands();
    [[noreturn]] void refuse(const std::string& rule) const;

    const char* m_name;
    std::vector<Operand> m_operands;
    Device* m_device = nullptr;
    std::chrono::steady_clock::time_point m_start{};
};

} // namespace kinora::kernels
