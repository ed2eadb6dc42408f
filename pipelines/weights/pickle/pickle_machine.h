#pragma once
// Reads a pickle without running anything: a machine that knows the opcodes and the names that
// dictionaries of tensors need, and refuses all others. A name (torch._utils._rebuild_tensor_v2)
// means one of the few things below or stays a word; nothing is ever imported or called.
//
//     const Pickle pickle = readPickle(bytes, "model.ckpt");
//     for (const PickledTensor& tensor : pickle.tensors("state_dict")) ...
//
// Format: Python's pickletools.py, protocols 2 to 5; tensors as torch/serialization.py writes them.

#include "kernels/tensor/dtype.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kinora::pipelines {

// A tensor: where it is in a storage that lies outside the pickle.
struct PickledTensor {
    std::string name;    // keys from the outermost dictionary on: "state_dict.first_stage_model.x"
    std::string storage; // the key of its storage
    kernels::DType dtype = kernels::DType::F32;
    uint64_t storageElements = 0;
    uint64_t offset = 0; // in elements
    std::vector<int64_t> shape, strides;
};

// What the pickle holds: values in one list, which name one another by their place in it, so that
// neither cycles nor depth can harm.
class Pickle {
  public:
    // Every tensor that is reached through dictionaries with texts as keys. Throws Error{BadFile}
    // where there are absurdly many, or with absurdly long names.
    std::vector<PickledTensor> tensors() const;
    // A text or whole number below the outermost dictionary.
    std::optional<std::string> text(std::string_view key) const;
    std::optional<int64_t> integer() const; // the pickle is one whole number
    // The pickle is a list of texts. Throws Error{BadFile} where they are absurdly long.
    std::vector<std::string> texts() const;
    size_t sizeBytes() const { return m_sizeBytes; }

  private:
    friend class PickleMachine;
    enum class Kind {
        None,
        Bool,
        Integer,
        Number,
        Text,
        List,
        Tuple,
        Dict,
        Object,
        Global,
        Storage,
        Tensor,
        Inert
    };
    struct Node {
        Kind kind = Kind::None;
        int64_t integer = 0;         // Bool, Integer; Global: which; Storage, Tensor: which
        std::string text;            // Text
        std::vector<uint32_t> items; // List, Tuple; Dict, Object: key, value, key, value ...
    };
    const Node& node(uint32_t index) const { return m_nodes[index]; }

    std::string m_label;
    std::vector<Node> m_nodes;
    std::vector<PickledTensor> m_tensors; // of Tensor and Storage nodes, without names
    uint32_t m_root = 0;
    size_t m_sizeBytes = 0;
};

// The pickle at the beginning of the bytes. Throws Error{BadFile} where it is damaged;
// Error{Unsupported} where it asks for something beyond tensors: it says for what.
Pickle readPickle(std::span<const std::byte> bytes, const std::string& label);

} // namespace kinora::pipelines
