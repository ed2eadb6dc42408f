#pragma once
// The names of the CompVis and SGM layout, in which most checkpoints are shared as one file, as the
// names that the layers here ask for (diffusers').
//
// One table for each component, made from its config: which block of the flat list in the file is
// which block here. Source: the model definitions of CompVis/stable-diffusion (openaimodel.py,
// model.py) and of open_clip, against those of diffusers.

#include <nlohmann/json_fwd.hpp>

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

// A tensor here: all of the stored one, or one of its equal parts along the first axis (OpenCLIP
// keeps query, key and value in one), or the stored matrix with its axes exchanged.
struct CheckpointTarget {
    std::string name;
    int part = 0;
    int parts = 1;
    bool transposed = false; // of one part alone
};

class CheckpointNames {
  public:
    // config: the component's, in diffusers' words. Configs must be valid already.
    static CheckpointNames unet(const nlohmann::json& config);
    static CheckpointNames autoencoder(const nlohmann::json& config);
    static CheckpointNames clipText(); // as in transformers: SD 1.x
    // SD 2.x, and with the projection of the pooled embedding SDXL's second.
    enum class Projection { Ignored, Named };
    static CheckpointNames openClipText(const nlohmann::json& config, Projection projection);

    // A ControlNet's, and a T2I-Adapter's of its first authors.
    static CheckpointNames controlNet(const nlohmann::json& config);
    static CheckpointNames adapter(const nlohmann::json& config);

    // Names that begin so, as they are.
    static CheckpointNames same(std::initializer_list<const char*> beginnings);

    // What a stored tensor is here; more than one where it is split, none where it has no use.
    std::vector<CheckpointTarget> translate(std::string_view stored) const;
    // Known to be of no use: buffers, layers above the last one that is computed.
    bool isIgnored(std::string_view stored) const;

    // The other way, for files that change single modules (lora/): to flattened names of modules
    // (dots as underscores) it adds those that the modules have in this layout.
    void addStoredNames(std::map<std::string, std::string, std::less<>>& modules) const;

  private:
    void add(const std::string& stored, const std::string& here);
    void addResnet(const std::string& stored, const std::string& here);
    size_t addDownPath(const nlohmann::json& config); // -> how many input blocks there are
    void ignore(const std::string& stored) { m_ignored.push_back(stored); }

    std::map<std::string, std::vector<CheckpointTarget>, std::less<>> m_names; // whole parts of
                                                                               // dotted names
    std::vector<std::string> m_ignored;
};

} // namespace kinora::pipelines
