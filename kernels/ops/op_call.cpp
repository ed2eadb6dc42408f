#include "kernels/ops/op_call.h"

#include "kernels/base/error.h"

#include <utility>

namespace kinora::kernels {

OpCall::OpCall(const char* name, std::initializer_list<Operand> operands)
    : m_name(name), m_operands(operands) {
    checkOperands();
}

OpCall::OpCall(const char* name, std::vector<Operand> operands)
    : m_name(name), m_operands(std::move(operands)) {
    checkOperands();
}

void OpCall::checkOperands() {
    for (const Operand& operand : m_operands) {
        if (!operand.tensor.defined()) {
            if (operand.presence == Presence::Required)
                refuse(std::string(operand.name) + " is undefined");
            continue;
        }
        if (!m_device) m_device = &operand.tensor.device();
        if (m_device != &operand.tensor.device()) refuse("operands are on different devices");
    }
    if (!m_device) refuse("there is no operand");
    m_device->cancelToken().check();
    if (m_device->recording()) m_start = std::chrono::steady_clock::now();
}

void OpCall::refuse(const std::string& rule) const {
    std::string text = std::string(m_name) + ": " + rule;
    const char* separator = " (";
    for (const Operand& operand : m_operands) {
        text += separator + std::string(operand.name) + " ";
        separator = ", ";
        if (!operand.tensor.defined()) {
            text += "undefined";
            continue;
        }
        text += toString(operand.tensor.shape()) + " ";
        text += dtypeName(operand.tensor.dtype());
    }
    throw Error(ErrorCode::Internal, text + (m_operands.empty() ? "." : ")."));
}

void OpCall::require(bool holds, const char* rule) const {
    if (!holds) refuse(rule);
}

void OpCall::requireComputeDtype(const Tensor& tensor) const {
    const DType dtype = tensor.dtype();
    require(dtype == DType::F32 || dtype == DType::BF16 || dtype == DType::F16,
            "only f32, bf16 and f16 can be computed with");
}

void OpCall::requireWeight(const Weight& weight, WeightKind kind, DType dtype) const {
    require(weight.defined(), "the weight is undefined");
    require(weight.kind() == kind, "the weight was packed for another kind of op");
    require(&weight.device() == m_device, "the weight is on another device");
    if (weight.dtype() != dtype)
        refuse("the weight computes in " + std::string(dtypeName(weight.dtype())));
}

void OpCall::requireChannelVector(const Tensor& tensor, int64_t channels) const {
    if (!tensor.defined()) return;
    if (tensor.dtype() != DType::F32 || tensor.shape() != Shape{channels})
        refuse("a vector of " + std::to_string(channels) + " f32 was expected, not " +
               toString(tensor.shape()) + " " + std::string(dtypeName(tensor.dtype())));
}

double OpCall::traffic(const Tensor& output) const {
    auto bytes = static_cast<double>(output.sizeBytes());
    for (const Operand& operand : m_operands)
        if (operand.tensor.defined()) bytes += static_cast<double>(operand.tensor.sizeBytes());
    return bytes;
}

void OpCall::finish(Status status, WorkRecord work) const {
    m_device->check(status, m_name);
    if (!m_device->recording()) return;
    if (m_device->hasNumbers()) {
        const auto took = std::chrono::steady_clock::now() - m_start;
        work.seconds = std::chrono::duration<double>(took).count();
    }
    m_device->record(work);
}

} // namespace kinora::kernels
