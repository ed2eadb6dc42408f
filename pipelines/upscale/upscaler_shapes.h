#pragma once
// What an upscaler's file is asked about itself, under BasicSR's names. Private to this folder.

#include "pipelines/weights/weight_source.h"

#include <string>

namespace kinora::pipelines {

// Borrows the source. Whatever is missing or not as asked throws Error{Unsupported}.
class UpscalerShapes {
  public:
    static constexpr int64_t kMostBlocks = 1024, kMostScale = 16;
    static constexpr int64_t kPictureChannels = 3;

    explicit UpscalerShapes(const WeightSource& source) : m_source(source) {}

    bool has(const std::string& name) const;
    int rank(const std::string& name) const;
    int64_t extent(const std::string& name, int axis) const;
    // How many tensors there are called before + number + after, from 0 on; kMostBlocks + 1 where
    // there are more.
    int64_t count(const std::string& before, const std::string& after) const;

    [[noreturn]] void refuse(const std::string& why) const;
    // value: from 1 to most.
    void require(int64_t value, int64_t most, const char* what) const;

  private:
    kernels::Shape shape(const std::string& name) const;

    const WeightSource& m_source;
};

// How much larger a picture becomes whose pixels are made of so many channels: the side of a square
// of channels / kPictureChannels, up to kMostScale. 0: there is none.
int64_t scaleOfChannels(int64_t channels);

} // namespace kinora::pipelines
