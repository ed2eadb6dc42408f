#pragma once
// oneDNN for one CPU device: its engine, its stream, and the primitives that it has built. Private
// to kernels/cpu; one thread at a time, as the context that owns it.
//
//     CachedPrimitive& op = state.find(key, [&] { return buildLinear(state, key); });
//     op.set(DNNL_ARG_SRC, input.data);
//     op.run(context);
//
// Building a primitive compiles machine code (milliseconds); finding it again takes well under two
// microseconds. The same key always builds the same code, whatever ran before: results never
// depend on the history of a process.

#include "kernels/cpu/cpu_context.h"
#include "kernels/cpu/idle_team.h"

#include <oneapi/dnnl/dnnl.hpp>

#include <array>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

namespace kinora::kernels::cpu {

enum class PrimitiveKind : int64_t { Convolution, Linear, Matmul };

// Everything that shapes the code of a primitive: the op, its dtype, extents and attributes.
struct PrimitiveKey {
    std::array<int64_t, 20> words{};
    friend bool operator==(const PrimitiveKey&, const PrimitiveKey&) = default;
};

struct PrimitiveKeyHash {
    size_t operator()(const PrimitiveKey& key) const;
};

// A compiled primitive with its arguments; data addresses are set before each run.
class CachedPrimitive {
  public:
    // Where the residual goes: straight into the kernel, or copied to the output first and
    // accumulated upon, or nowhere because the caller adds it.
    enum class Residual { Fused, Accumulated, After };

    // primitive: empty on a device that plans.
    CachedPrimitive(dnnl::primitive primitive, const dnnl::memory::desc& scratchpad,
                    const dnnl::engine& engine);

    // Declares an argument; its address comes later.
    void declare(int argument, const dnnl::memory::desc& layout, const dnnl::engine& engine);
    void set(int argument, void* data);
    // Passes memory that somebody else keeps: packed weights.
    void borrow(int argument, const dnnl::memory& memory);
    // Runs and waits. Scratch memory comes from the arena; an empty primitive takes it and does no
    // more. Throws std::bad_alloc, dnnl::error.
    void run(Context& context);

    dnnl::memory::desc weights; // the layout in which it wants its weights
    Residual residual = Residual::Fused;
    int residualArgument = 0;     // where it is Fused
    bool activationAfter = false; // the caller applies it
    uint64_t lastUse = 0;

  private:
    struct Argument {
        int name;
        dnnl::memory memory; // empty where borrowed
        dnnl_memory_t handle;
    };

    Argument& argument(int name);

    dnnl::primitive m_primitive;
    size_t m_scratchpadBytes;
    std::vector<Argument> m_arguments;
};

struct DnnlState {
    DnnlState();

    // The primitive of this key, built where it is not known yet.
    CachedPrimitive& find(const PrimitiveKey& key,
                          const std::function<std::unique_ptr<CachedPrimitive>()>& build);

    // Converts between layouts of the same extents.
    void reorder(const dnnl::memory::desc& fromLayout, void* from,
                 const dnnl::memory::desc& toLayout, void* to);

    dnnl::engine engine;
    dnnl::stream stream;
    IdleTeam idleTeam;

  private:
    static constexpr size_t kMostPrimitives = 1024; // a UNet and a VAE at two sizes need some 300

    std::unordered_map<PrimitiveKey, std::unique_ptr<CachedPrimitive>, PrimitiveKeyHash>
        m_primitives;
    uint64_t m_clock = 0;
};

// The state of this context, with the calling thread's OpenMP team set to the context's size.
DnnlState& dnnlState(Context& context);

dnnl::memory::data_type dnnlType(DType dtype);

// Attributes that every primitive here has: its scratch memory comes from the caller.
dnnl::primitive_attr baseAttributes();

// Appends the activation where oneDNN has exactly it; false where it must be applied afterwards.
bool appendActivation(dnnl::post_ops& operations, Activation activation);

// Copies bytes on the context's threads.
void copyBytes(const Context& context, void* to, const void* from, size_t sizeBytes);

// How often an op of this much work looks at the token: it is cut into this many parts.
int64_t partsOf(double floatOperations);

// Throws Cancelled once the owner of the device asked for it.
void checkCancelled(const Context& context);

// As guarded(), and oneDNN's own refusals get a Status of their own.
template <typename Op> Status guardedDnnl(Context* context, const Op& op) {
    Status status = Status::Ok;
    const Status outer = guarded(context, [&] {
        try {
            op();
        } catch (const dnnl::error& error) {
            if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
            context->lastError = std::string("oneDNN: ") + error.what();
            status = error.status == dnnl_unimplemented ? Status::Unsupported : Status::Failed;
        }
    });
    return outer == Status::Ok ? status : outer;
}

} // namespace kinora::kernels::cpu
