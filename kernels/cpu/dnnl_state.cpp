#include "kernels/cpu/dnnl_state.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace kinora::kernels::cpu {

size_t PrimitiveKeyHash::operator()(const PrimitiveKey& key) const {
    uint64_t hash = 0x9e3779b97f4a7c15ull;
    for (const int64_t word : key.words) {
        hash = (hash ^ static_cast<uint64_t>(word)) * 0xff51afd7ed558ccdull;
        hash ^= hash >> 32;
    }
    return hash;
}

CachedPrimitive::CachedPrimitive(dnnl::primitive primitive, const dnnl::memory::desc& scratchpad,
                                 const dnnl::engine& engine)
    : m_primitive(std::move(primitive)), m_scratchpadBytes(scratchpad.get_size()) {
    if (m_scratchpadBytes) declare(DNNL_ARG_SCRATCHPAD, scratchpad, engine);
}

void CachedPrimitive::declare(int argument, const dnnl::memory::desc& layout,
                              const dnnl::engine& engine) {
    dnnl::memory memory(layout, engine, nullptr);
    const dnnl_memory_t handle = memory.get();
    m_arguments.push_back({argument, std::move(memory), handle});
}

CachedPrimitive::Argument& CachedPrimitive::argument(int name) {
    for (Argument& argument : m_arguments)
        if (argument.name == name) return argument;
    throw std::logic_error("an argument was not declared");
}

void CachedPrimitive::set(int name, void* data) {
    argument(name).memory.set_data_handle(data);
}

void CachedPrimitive::borrow(int name, const dnnl::memory& memory) {
    for (Argument& known : m_arguments)
        if (known.name == name) {
            known.handle = memory.get();
            return;
        }
    m_arguments.push_back({name, {}, memory.get()});
}

void CachedPrimitive::run(Context& context) {
    if (!m_primitive.get(true)) {
        if (m_scratchpadBytes) const Scratch scratch(context, m_scratchpadBytes);
        return;
    }
    std::array<dnnl_exec_arg_t, 8> arguments;
    if (m_arguments.size() > arguments.size()) throw std::logic_error("too many arguments");
    for (size_t index = 0; index < m_arguments.size(); ++index)
        arguments[index] = {m_arguments[index].name, m_arguments[index].handle};
    const auto execute = [&] {
        dnnl::stream& stream = context.dnnl->stream;
        dnnl::error::wrap_c_api(dnnl_primitive_execute(m_primitive.get(), stream.get(),
                                                       static_cast<int>(m_arguments.size()),
                                                       arguments.data()),
                                "a primitive failed");
        stream.wait();
    };
    if (!m_scratchpadBytes) return execute();
    const Scratch scratch(context, m_scratchpadBytes);
    set(DNNL_ARG_SCRATCHPAD, scratch.as<void>());
    execute();
}

DnnlState::DnnlState() : engine(dnnl::engine::kind::cpu, 0), stream(engine) {}

CachedPrimitive& DnnlState::find(const PrimitiveKey& key,
                                 const std::function<std::unique_ptr<CachedPrimitive>()>& build) {
    auto found = m_primitives.find(key);
    if (found == m_primitives.end()) {
        if (m_primitives.size() >= kMostPrimitives)
            m_primitives.erase(std::min_element(m_primitives.begin(), m_primitives.end(),
                                                [](const auto& a, const auto& b) {
                                                    return a.second->lastUse < b.second->lastUse;
                                                }));
        found = m_primitives.emplace(key, build()).first;
    }
    found->second->lastUse = ++m_clock;
    return *found->second;
}

void DnnlState::reorder(const dnnl::memory::desc& fromLayout, void* from,
                        const dnnl::memory::desc& toLayout, void* to) {
    dnnl::memory source(fromLayout, engine, from);
    dnnl::memory target(toLayout, engine, to);
    dnnl::reorder(source, target).execute(stream, source, target);
    stream.wait();
}

DnnlState& dnnlState(Context& context) {
    // oneDNN sizes its work by the calling thread's setting, which is per thread; the device may
    // be driven by another thread than last time.
    if (omp_get_max_threads() != context.threads) omp_set_num_threads(context.threads);
    return *context.dnnl;
}

void copyBytes(const Context& context, void* to, const void* from, size_t sizeBytes) {
    constexpr int64_t kGrain = int64_t{256} << 10;
    parallelFor(context, static_cast<int64_t>(sizeBytes), kGrain, [&](int64_t begin, int64_t end) {
        std::memcpy(static_cast<char*>(to) + begin, static_cast<const char*>(from) + begin,
                    static_cast<size_t>(end - begin));
    });
}

int64_t partsOf(double floatOperations) {
    constexpr double kPart = 12e9; // a quarter of a second on two modest cores
    return std::max<int64_t>(1, static_cast<int64_t>(floatOperations / kPart));
}

void checkCancelled(const Context& context) {
    if (context.cancelled()) throw Cancelled{};
}

dnnl::memory::data_type dnnlType(DType dtype) {
    switch (dtype) {
    case DType::F32: return dnnl::memory::data_type::f32;
    case DType::BF16: return dnnl::memory::data_type::bf16;
    default: throw std::invalid_argument("the CPU computes in f32 and bf16 only");
    }
}

dnnl::primitive_attr baseAttributes() {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    return attributes;
}

bool appendActivation(dnnl::post_ops& operations, Activation activation) {
    using dnnl::algorithm;
    const auto append = [&](algorithm kind, float alpha = 0.0f) {
        operations.append_eltwise(1.0f, kind, alpha, 0.0f);
        return true;
    };
    switch (activation) {
    case Activation::None: return true;
    case Activation::Silu: return append(algorithm::eltwise_swish, 1.0f);
    case Activation::QuickGelu: return append(algorithm::eltwise_swish, 1.702f);
    case Activation::Gelu: return append(algorithm::eltwise_gelu_erf);
    case Activation::GeluTanh: return append(algorithm::eltwise_gelu_tanh);
    case Activation::Relu: return append(algorithm::eltwise_relu);
    case Activation::Sigmoid: return append(algorithm::eltwise_logistic);
    case Activation::Tanh: return append(algorithm::eltwise_tanh);
    case Activation::Mish: return append(algorithm::eltwise_mish);
    }
    return false;
}

} // namespace kinora::kernels::cpu
