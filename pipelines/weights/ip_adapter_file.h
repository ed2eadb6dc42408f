#pragma once
// A file of an IP-Adapter in its makers' layout: how a picture becomes tokens ("image_proj."), and
// keys and values for each cross-attention of the denoiser ("ip_adapter.").
//
//     model.add(std::make_shared<const IpAdapterFile>(path));
//
// Source: Ye et al. 2023; the files of h94/IP-Adapter.

#include "pipelines/weights/weight_source.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kinora::pipelines {

// What the tokens are made of: the pooled embedding; all states before the last layer, by a
// resampler (plus); the same, each by itself (full face).
enum class IpAdapterKind { Pooled, Resampled, Full };

class IpAdapterFile {
  public:
    // Reads headers only. Throws Error{NotFound, BadFile, Io}; Error{Unsupported} for what is no
    // IP-Adapter, or one that wants more than CLIP's picture encoder (FaceID).
    explicit IpAdapterFile(const std::filesystem::path& path);
    // The same of one that is open.
    IpAdapterFile(const std::filesystem::path& path, std::shared_ptr<const WeightSource> opened);

    const std::filesystem::path& path() const { return m_path; }
    const std::string& label() const { return m_file->label(); }
    IpAdapterKind kind() const { return m_kind; }
    int64_t pictureWidth() const { return m_pictureWidth; } // of what the picture encoder gives
    int64_t tokenWidth() const { return m_tokenWidth; }     // as the denoiser's prompts are wide
    int64_t attentions() const { return m_attentions; }     // of the denoiser that it was made for

    // Every tensor, "image_proj.proj.weight", "ip_adapter.1.to_k_ip.weight".
    const WeightSource& weights() const { return *m_file; }

  private:
    int64_t extent(const std::string& name, int axis) const;

    std::filesystem::path m_path;
    std::shared_ptr<const WeightSource> m_file; // shared with who asks what else it may be
    IpAdapterKind m_kind = IpAdapterKind::Pooled;
    int64_t m_pictureWidth = 0, m_tokenWidth = 0, m_attentions = 0;
};

// A denoiser's weights and the adapters' for each of its cross-attentions, under the names
// "...attn2.processor.to_k_ip.0.weight".
class IpAdapterWeights final : public WeightSource {
  public:
    using Files = std::vector<std::shared_ptr<const IpAdapterFile>>;
    // Throws Error{Unsupported} where a file was made for another denoiser.
    IpAdapterWeights(std::unique_ptr<WeightSource> denoiser, Files files);

    const std::string& label() const override { return m_denoiser->label(); }
    std::optional<TensorInfo> find(std::string_view name,
                                   const kernels::Shape& expected) const override;
    std::vector<std::string> names() const override;
    int64_t totalBytes() const override { return m_denoiser->totalBytes(); }
    void read(std::string_view name, int64_t first, std::span<float> values) const override;
    std::string remark(std::string_view key) const override { return m_denoiser->remark(key); }

  private:
    struct Place {
        size_t file;
        std::string stored;
    };
    std::unique_ptr<WeightSource> m_denoiser;
    Files m_files;
    std::map<std::string, Place, std::less<>> m_places;
};

// The cross-attentions of a denoiser, "down_blocks.0.attentions.0.transformer_blocks.0.attn2", in
// the order in which adapters number them: down, up, middle.
std::vector<std::string> crossAttentions(const WeightSource& denoiser);

} // namespace kinora::pipelines
