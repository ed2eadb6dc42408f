#include "kernels/backend/weight.h"

#include "kernels/backend/tensor_ref.h"

#include <utility>

namespace kinora::kernels {

Weight::Weight(Weight&& other) noexcept
    : m_device(other.m_device), m_packed(std::exchange(other.m_packed, nullptr)),
      m_shape(other.m_shape), m_dtype(other.m_dtype), m_kind(other.m_kind) {}

Weight& Weight::operator=(Weight&& other) noexcept {
    if (this != &other) {
        reset();
        m_device = other.m_device;
        m_packed = std::exchange(other.m_packed, nullptr);
        m_shape = other.m_shape;
        m_dtype = other.m_dtype;
        m_kind = other.m_kind;
    }
    return *this;
}

Weight::~Weight() {
    reset();
}

void Weight::reset() {
    if (!m_packed) return;
    m_device->addWeightBytes(-static_cast<int64_t>(sizeBytes()));
    m_device->table().releaseWeight(m_device->context(), m_packed);
    m_packed = nullptr;
}

Weight Weight::pack(WeightKind kind, const Tensor& plain, int stride) {
    Weight weight;
    weight.m_device = &plain.device();
    weight.m_shape = plain.shape();
    weight.m_dtype = plain.dtype();
    weight.m_kind = kind;
    const PackArgs args{kind, ref(plain), stride};
    Device& device = plain.device();
    device.check(device.table().packWeight(device.context(), &args, &weight.m_packed),
                 "pack weight");
    device.addWeightBytes(static_cast<int64_t>(weight.sizeBytes()));
    return weight;
}

size_t Weight::sizeBytes() const {
    return m_packed ? m_device->table().packedSizeBytes(m_packed) : 0;
}

bool Weight::isForWinograd() const {
    return m_packed && m_device->table().isForWinograd(m_packed);
}

} // namespace kinora::kernels
