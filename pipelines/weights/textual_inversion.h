#pragma once
// A file of a textual inversion ("embedding"): vectors that stand in a prompt in the place of
// tokens. Source: Gal et al. 2022.
//
//     TextualInversion file("easynegative.safetensors");
//     file.checkFits(model);
//     file.vectorsFor("text_encoder");    // one or several, of the encoder's width
//
// Layouts: A1111's ("string_to_param"), diffusers' (one tensor, called as the token), kohya's
// ("emb_params"), and those for SDXL ("clip_l" and "clip_g"). Reads all of it: it is small.

#include "pipelines/weights/model.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

// Rows of `width`, one for each place in the prompt.
struct LearntVectors {
    int64_t count = 0, width = 0;
    std::vector<float> values; // [count, width]

    std::span<const float> row(int64_t index) const {
        return std::span(values).subspan(static_cast<size_t>(index * width),
                                         static_cast<size_t>(width));
    }
};

class TextualInversion {
  public:
    // Throws Error{NotFound, BadFile, Io}; Error{Unsupported} where it is something else.
    explicit TextualInversion(const std::filesystem::path& path);
    // The same of a file that is open.
    explicit TextualInversion(const WeightSource& opened);

    const std::string& label() const { return m_label; }
    int64_t count() const { return m_first.count ? m_first.count : m_second.count; }
    // "SDXL", "Stable Diffusion 1.x" ...; empty where the widths are none that is known.
    std::string family() const;
    bool fits(const Model& model) const;
    // Throws Error{Unsupported} where it was made for another kind of model: it says which.
    void checkFits(const Model& model) const;
    // component: "text_encoder" or "text_encoder_2", of a model that it fits.
    const LearntVectors& vectorsFor(std::string_view component) const;

  private:
    LearntVectors readVectors(const WeightSource& source, const std::string& name) const;

    std::string m_label;
    LearntVectors m_first;  // of the model's one text encoder, or XL's first; may be empty
    LearntVectors m_second; // of XL's second; may be empty
};

} // namespace kinora::pipelines
