#include "pipelines/weights/model.h"

#include "kernels/base/error.h"
#include "pipelines/weights/checkpoint_names.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/lora/lora_family.h"
#include "pipelines/weights/model_extras.h"
#include "pipelines/weights/scaled_weights.h"
#include "pipelines/weights/sharded_weights.h"
#include "pipelines/weights/weight_file.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <system_error>

namespace kinora::pipelines {
namespace {

namespace fs = std::filesystem;

enum class Need { Required, Optional, Unused };

// What a folder is made of, and the classes that this program can run.
struct Component {
    std::string_view name;
    Need need;
    std::string_view configFile;
    std::string_view weightsStem;            // empty: no weights
    std::array<std::string_view, 2> classes; // empty: somebody else decides
};

constexpr std::string_view kModelStem = "model";
constexpr std::string_view kDiffusersStem = "diffusion_pytorch_model";

constexpr Component kUnet = {
    "unet", Need::Required, "config.json", kDiffusersStem, {"UNet2DConditionModel"}};
constexpr Component kVae = {
    "vae", Need::Required, "config.json", kDiffusersStem, {"AutoencoderKL", "AutoencoderTiny"}};
constexpr Component kScheduler = {"scheduler", Need::Required, "scheduler_config.json", "", {}};
// Judge finished pictures, or take a picture in: no part of text to image.
constexpr Component kSafetyChecker = {"safety_checker", Need::Unused, "", "", {}};
constexpr Component kFeatureExtractor = {"feature_extractor", Need::Unused, "", "", {}};
constexpr Component kImageEncoder = {"image_encoder", Need::Unused, "", "", {}};

constexpr Component textEncoder(std::string_view name, Need need, std::string_view className) {
    return {name, need, "config.json", kModelStem, {className}};
}
constexpr Component tokenizer(std::string_view name, Need need) {
    return {name, need, "", "", {"CLIPTokenizer", "CLIPTokenizerFast"}};
}

constexpr Component kStableDiffusion[] = {
    kUnet,
    kVae,
    textEncoder("text_encoder", Need::Required, "CLIPTextModel"),
    tokenizer("tokenizer", Need::Required),
    kScheduler,
    kSafetyChecker,
    kFeatureExtractor,
    kImageEncoder,
};

// The refiner has the second text encoder alone.
constexpr Component kStableDiffusionXl[] = {
    kUnet,
    kVae,
    textEncoder("text_encoder", Need::Optional, "CLIPTextModel"),
    tokenizer("tokenizer", Need::Optional),
    textEncoder("text_encoder_2", Need::Required, "CLIPTextModelWithProjection"),
    tokenizer("tokenizer_2", Need::Required),
    kScheduler,
    kFeatureExtractor,
    kImageEncoder,
};

constexpr std::string_view kTokenizerFiles[] = {"vocab.json",
                                                "merges.txt",
                                                "tokenizer.json",
                                                "tokenizer_config.json",
                                                "special_tokens_map.json",
                                                "added_tokens.json"};

bool isFile(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

std::string labelOf(const fs::path& folder, std::string_view file) {
    return (folder.filename() / file).generic_string();
}

// [library, class] of a component; nullopt where the folder has none of it.
std::optional<std::string> classOf(const nlohmann::json& index, std::string_view component,
                                   const std::string& label) {
    const auto entry = index.find(component);
    if (entry == index.end() || entry->is_null()) return std::nullopt;
    const bool isPair = entry->is_array() && entry->size() == 2;
    if (isPair && (*entry)[1].is_null()) return std::nullopt;
    if (!isPair || !(*entry)[1].is_string())
        throw Error(ErrorCode::BadFile,
                    label + ": \"" + std::string(component) + "\" is " + brief(*entry) +
                        "; expected [library, class].",
                    "Fetch the model again.");
    return (*entry)[1].get<std::string>();
}

void checkComponent(const nlohmann::json& index, const Component& component,
                    const std::string& label) {
    if (component.need == Need::Unused) return;
    const std::optional<std::string> name = classOf(index, component.name, label);
    if (!name && component.need == Need::Optional) return;
    if (!name)
        throw Error(ErrorCode::BadFile,
                    label + ": names no \"" + std::string(component.name) + "\".",
                    "The model is incomplete; fetch it again.");
    const auto& classes = component.classes;
    if (!classes[0].empty() && std::find(classes.begin(), classes.end(), *name) == classes.end())
        throw Error(ErrorCode::Unsupported,
                    label + ": \"" + std::string(component.name) + "\" is of the class " +
                        brief(*name) + ", which is not supported.",
                    "This kind of model cannot be run by this version.");
}

} // namespace

struct ModelLayout {
    std::span<const std::string_view> pipelines; // classes that model_index.json names
    std::span<const Component> components;

    const Component* find(std::string_view name) const {
        const auto found = std::ranges::find(components, name, &Component::name);
        return found == components.end() ? nullptr : &*found;
    }
};

namespace {

// What a folder's class does with its parts the request says again, and their configs: all classes
// of one family are one kind of model.
constexpr std::string_view kStableDiffusionPipelines[] = {
    "StableDiffusionPipeline",
    "StableDiffusionImg2ImgPipeline",
    "StableDiffusionInpaintPipeline",
    "StableDiffusionInpaintPipelineLegacy",
    "StableDiffusionInstructPix2PixPipeline",
    "LatentConsistencyModelPipeline",
    "LatentConsistencyModelImg2ImgPipeline",
};
constexpr std::string_view kStableDiffusionXlPipelines[] = {
    "StableDiffusionXLPipeline",
    "StableDiffusionXLImg2ImgPipeline",
    "StableDiffusionXLInpaintPipeline",
};

constexpr ModelLayout kLayouts[] = {
    {kStableDiffusionPipelines, kStableDiffusion},
    {kStableDiffusionXlPipelines, kStableDiffusionXl},
};

// Components that nobody here knows would change the result if they were left out.
void checkNoOther(const nlohmann::json& index, const ModelLayout& layout,
                  const std::string& label) {
    for (const auto& [key, entry] : index.items()) {
        if (key.starts_with("_") || layout.find(key) || !entry.is_array()) continue;
        if (!classOf(index, key, label)) continue;
        throw Error(ErrorCode::Unsupported,
                    label + ": the component " + brief(key) + " is not supported.",
                    "This kind of model cannot be run by this version.");
    }
}

std::string pipelineClassOf(const nlohmann::json& index, const std::string& label) {
    const auto name = index.find("_class_name");
    if (name == index.end() || !name->is_string())
        throw Error(ErrorCode::BadFile, label + ": \"_class_name\" does not name a pipeline.",
                    "Fetch the model again.");
    return name->get<std::string>();
}

const ModelLayout& layoutOf(const std::string& pipelineClass, const std::string& label) {
    for (const ModelLayout& layout : kLayouts)
        if (std::ranges::find(layout.pipelines, pipelineClass) != layout.pipelines.end())
            return layout;
    throw Error(ErrorCode::Unsupported,
                label + ": the kind of model " + brief(pipelineClass) + " is not supported.",
                "Models of the Stable Diffusion and Stable Diffusion XL family can be used.");
}

// The files with a component's weights: one, or an index and its shards, relative to its folder.
struct WeightFiles {
    std::string main;
    bool isIndex;
};

WeightFiles findWeights(const fs::path& folder, const Component& component,
                        const std::string& label) {
    const std::string stem(component.weightsStem);
    const WeightFiles candidates[] = {{stem + ".safetensors", false},
                                      {stem + ".safetensors.index.json", true},
                                      {stem + ".fp16.safetensors", false},
                                      {stem + ".safetensors.index.fp16.json", true},
                                      {stem + ".bin", false},
                                      {"pytorch_model.bin", false}};
    for (const WeightFiles& files : candidates)
        if (isFile(folder / files.main)) return files;
    throw Error(ErrorCode::NotFound,
                label + ": has no weights: " + candidates[0].main + " is not there.",
                "The model is incomplete; fetch it again.");
}

int64_t latentChannelsOf(const nlohmann::json& configs) {
    const auto vae = configs.find("vae");
    if (vae == configs.end()) return 0;
    const auto channels = vae->find("latent_channels");
    const bool isSane = channels != vae->end() && channels->is_number_unsigned() &&
                        channels->get<uint64_t>() <= 1024;
    return isSane ? channels->get<int64_t>() : 0;
}

// A file by its path, its size and its time.
std::string identityOf(const fs::path& file) {
    std::error_code ignored;
    return file.string() + " " + std::to_string(fs::file_size(file, ignored)) + " " +
           std::to_string(fs::last_write_time(file, ignored).time_since_epoch().count());
}

constexpr std::string_view kLoraComponents[] = {"unet", "text_encoder", "text_encoder_2"};

bool canTakeLoras(std::string_view component) {
    return std::ranges::find(kLoraComponents, component) != std::end(kLoraComponents);
}

LoraWeights::Use useIn(std::string_view component, std::shared_ptr<const LoraFile> file,
                       const LoraStrength& strength) {
    if (component == "unet") return {std::move(file), strength.denoiser, strength.blocks};
    const double base = strength.blocks ? strength.blocks->weights[LoraBlocks::kBase] : 1;
    return {std::move(file), strength.text * static_cast<float>(base), {}};
}

// All that decides what a LoRA does to weights, as one line.
std::string identityOf(const LoraFile& file, const LoraStrength& strength) {
    std::string identity = identityOf(file.path()) + " " + std::to_string(strength.denoiser) + " " +
                           std::to_string(strength.text);
    if (strength.blocks)
        for (const double weight : strength.blocks->weights)
            identity += " " + nlohmann::json(weight).dump();
    return identity + "\n";
}

std::string familyOfDenoiser(const nlohmann::json& unetConfig) {
    const auto width = unetConfig.find("cross_attention_dim");
    const bool isKnown = width != unetConfig.end() && width->is_number_integer();
    return isKnown ? familyOfTextWidth(width->get<int64_t>()) : std::string();
}

[[noreturn]] void throwOtherFamily(const LoraFile& lora, const nlohmann::json& unetConfig) {
    const std::string family = familyOf(lora);
    const std::string own = familyOfDenoiser(unetConfig);
    throw Error(ErrorCode::Unsupported,
                lora.label() + ": " +
                    (family.empty()
                         ? std::string("none of its ") + std::to_string(lora.modules().size()) +
                               " modules has a place in this model"
                         : "was made for " + family) +
                    (own.empty() ? std::string(".") : "; this model is " + own + ".") +
                    " Its first tensor is " + briefName(lora.modules().front().firstTensor) + ".",
                "Use it with a model of the kind that it was made for.");
}

} // namespace

Model Model::open(const fs::path& path, const fs::path& checkpointKinds) {
    return isFile(path) ? openFile(path, checkpointKinds) : openFolder(path);
}

Model Model::openFile(const fs::path& file, const fs::path& checkpointKinds) {
    auto checkpoint = std::make_shared<const Checkpoint>(file, checkpointKinds);
    Model model = openFolder(checkpoint->kindFolder());
    if (const std::string prediction = checkpoint->predictionType(); !prediction.empty())
        model.m_configs["scheduler"]["prediction_type"] = prediction;
    if (checkpoint->hasZeroTerminalSnr())
        model.m_configs["scheduler"]["rescale_betas_zero_snr"] = true;
    model.m_path = file;
    model.m_checkpoint = std::move(checkpoint);
    return model;
}

Model Model::openFolder(const fs::path& folder) {
    const fs::path path = folder.has_filename() ? folder : folder.parent_path();
    std::error_code ignored;
    if (!fs::exists(path, ignored))
        throw Error(ErrorCode::NotFound, path.string() + ": there is no such model.",
                    "Check the path, or fetch the model again.");
    if (!fs::is_directory(path, ignored))
        throw Error(ErrorCode::BadFile, path.string() + ": is not the folder of a model.",
                    "Name the folder with model_index.json in it.");
    const std::string label = labelOf(path, "model_index.json");
    if (!isFile(path / "model_index.json"))
        throw Error(ErrorCode::NotFound, label + ": there is no such file.",
                    "Name the folder of a model in the diffusers layout.");
    Model model;
    model.m_path = path;
    model.m_index = readJsonFile(path / "model_index.json", label);
    model.m_pipelineClass = pipelineClassOf(model.m_index, label);
    model.m_layout = &layoutOf(model.m_pipelineClass, label);
    checkNoOther(model.m_index, *model.m_layout, label);
    model.m_configs = nlohmann::json::object();
    for (const Component& component : model.m_layout->components) {
        checkComponent(model.m_index, component, label);
        if (component.configFile.empty() || !model.has(component.name)) continue;
        const fs::path file = fs::path(component.name) / component.configFile;
        model.m_configs[std::string(component.name)] =
            readJsonFile(path / file, labelOf(path, file.generic_string()));
    }
    if (isFile(path / "kinora.json")) {
        const std::string extrasLabel = labelOf(path, "kinora.json");
        model.m_extras = parseModelExtras(readJsonFile(path / "kinora.json", extrasLabel),
                                          latentChannelsOf(model.m_configs), extrasLabel);
    }
    return model;
}

bool Model::has(std::string_view component) const {
    return classOf(m_index, component, labelOf(m_path, "model_index.json")).has_value();
}

bool Model::flag(std::string_view key, bool fallback) const {
    const auto found = m_index.find(key);
    if (found == m_index.end() || found->is_null()) return fallback;
    if (!found->is_boolean())
        throw Error(ErrorCode::BadFile,
                    labelOf(m_path, "model_index.json") + ": \"" + std::string(key) + "\" is " +
                        brief(*found) + "; expected true or false.",
                    "Fetch the model again.");
    return found->get<bool>();
}

const nlohmann::json& Model::config(std::string_view component) const {
    const auto found = m_configs.find(component);
    if (found == m_configs.end())
        throw Error(ErrorCode::NotFound,
                    labelOf(m_path, component) + ": the model has no such config.");
    return *found;
}

std::string Model::configLabel(std::string_view component) const {
    if (component == "vae" && m_vae && m_vae->config()) { // another's; a file of TAESD's is its own
        const fs::path &file = m_vae->path(), config = file.parent_path() / "config.json";
        std::error_code ignored;
        return labelOf(file.parent_path(), fs::is_regular_file(config, ignored)
                                               ? "config.json"
                                               : file.filename().string());
    }
    const Component* known = m_layout->find(component);
    const std::string file(known ? known->configFile : "config.json");
    return labelOf(m_path, (fs::path(component) / file).generic_string());
}

std::string Model::className(std::string_view component) const {
    return classOf(m_index, component, labelOf(m_path, "model_index.json")).value_or("");
}

std::unique_ptr<WeightSource> Model::weights(std::string_view name) const {
    std::unique_ptr<WeightSource> source = storedWeights(name);
    std::vector<LoraWeights::Use> uses;
    for (const Lora& lora : m_loras) uses.push_back(useIn(name, lora.file, lora.strength));
    if (!uses.empty() && canTakeLoras(name))
        source = withLoras(std::move(source), name, std::move(uses));
    if (name == "unet" && !m_ipAdapters.empty())
        source = std::make_unique<IpAdapterWeights>(std::move(source), m_ipAdapters);
    return source;
}

std::unique_ptr<LoraWeights> Model::withLoras(std::unique_ptr<WeightSource> source,
                                              std::string_view name,
                                              std::vector<LoraWeights::Use> uses) const {
    ModuleNames names = moduleNames(*source);
    if (name == "unet") CheckpointNames::unet(config(name)).addStoredNames(names);
    return std::make_unique<LoraWeights>(std::move(source), name, std::move(uses), names);
}

LoraFit Model::add(std::shared_ptr<const LoraFile> lora, const LoraStrength& strength) {
    const std::string family = familyOf(*lora), own = familyOfDenoiser(config("unet"));
    if (!family.empty() && !own.empty() && family != own) throwOtherFamily(*lora, config("unet"));
    LoraFit fit;
    for (const std::string_view component : kLoraComponents) {
        if (!has(component)) {
            for (const LoraModule& module : lora->modules())
                if (module.component == component) fit.surplus.push_back(module.firstTensor);
            continue;
        }
        const auto weights =
            withLoras(storedWeights(component), component, {useIn(component, lora, strength)});
        const LoraWeights::Match& match = weights->matches().front();
        fit.modules += match.modules;
        fit.surplus.insert(fit.surplus.end(), match.surplus.begin(), match.surplus.end());
    }
    if (fit.modules == 0) throwOtherFamily(*lora, config("unet"));
    fit.surplus.insert(fit.surplus.end(), lora->unknown().begin(), lora->unknown().end());
    std::sort(fit.surplus.begin(), fit.surplus.end());
    m_additions += identityOf(*lora, strength);
    m_loras.push_back({std::move(lora), strength});
    return fit;
}

void Model::add(std::shared_ptr<const IpAdapterFile> adapter) {
    const auto width = config("unet").find("cross_attention_dim");
    const bool isKnown = width != config("unet").end() && width->is_number_integer();
    if (isKnown && width->get<int64_t>() != adapter->tokenWidth()) {
        const std::string family = familyOfTextWidth(width->get<int64_t>()),
                          other = familyOfTextWidth(adapter->tokenWidth());
        throw Error(ErrorCode::Unsupported,
                    adapter->label() + ": was made for " +
                        (other.empty() ? "another kind of model" : other) +
                        (family.empty() ? "." : "; this model is " + family + "."),
                    "Use it with a model of the kind that it was made for.");
    }
    m_additions += "picture adapter " + identityOf(adapter->path()) + "\n";
    m_ipAdapters.push_back(std::move(adapter));
}

void Model::setImageEncoder(const fs::path& file) {
    m_additions += "picture encoder " + identityOf(file) + "\n";
    m_imageEncoder = file;
}

void Model::replaceVae(ExternalVae vae) {
    const int64_t theirs = vae.latentChannels(), ours = latentChannelsOf(m_configs);
    if (theirs != 0 && ours != 0 && theirs != ours)
        throw Error(ErrorCode::Unsupported,
                    vae.path().filename().string() + ": is a VAE for another kind of model: its " +
                        "latents have " + std::to_string(theirs) + " channels, those of " +
                        m_path.filename().string() + " " + std::to_string(ours) + ".",
                    "Use it with a model of the kind that it was made for.");
    if (vae.config()) {
        m_trainedVae = trainedVaeConfig();
        m_configs["vae"] = *vae.config();
    }
    for (const fs::path& file : vae.files())
        m_additions += identityOf(file) + " " + (vae.config() ? vae.config()->dump() : "") + "\n";
    m_vae = std::move(vae);
}

void Model::addControl(std::shared_ptr<const ControlFile> control) {
    const nlohmann::json described = control->config(config("unet"));
    m_additions += identityOf(control->path()) + " " + described.dump() + "\n";
    m_controls.push_back(std::move(control));
}

std::unique_ptr<WeightSource> Model::storedWeights(std::string_view name) const {
    if (name == "vae" && m_vae) return m_vae->weights(config(name));
    const Component* component = m_layout->find(name);
    if (!component || component->weightsStem.empty())
        throw Error(ErrorCode::NotFound, labelOf(m_path, name) + ": has no weights.");
    if (m_checkpoint) return m_checkpoint->weights(name, config(name));
    const fs::path folder = componentPath(name);
    const WeightFiles files = findWeights(folder, *component, labelOf(m_path, name));
    std::string label = labelOf(m_path, (fs::path(name) / files.main).generic_string());
    if (files.isIndex)
        return withScales(std::make_unique<ShardedWeights>(folder / files.main, std::move(label)));
    return openWeightFile(folder / files.main, std::move(label));
}

fs::path Model::componentPath(std::string_view component) const {
    return (m_checkpoint ? m_checkpoint->kindFolder() : m_path) / component;
}

std::vector<fs::path> Model::files() const {
    if (m_checkpoint) return {m_path.filename()};
    std::vector<fs::path> files = {"model_index.json"};
    if (isFile(m_path / "kinora.json")) files.emplace_back("kinora.json");
    for (const Component& component : m_layout->components) {
        if (component.need == Need::Unused || !has(component.name)) continue;
        const fs::path folder(component.name);
        if (component.name.starts_with("tokenizer"))
            for (const std::string_view name : kTokenizerFiles)
                if (isFile(m_path / folder / name)) files.push_back(folder / name);
        if (!component.configFile.empty()) files.push_back(folder / component.configFile);
        if (component.weightsStem.empty()) continue;
        const std::string label = labelOf(m_path, component.name);
        const WeightFiles found = findWeights(m_path / folder, component, label);
        files.push_back(folder / found.main);
        if (!found.isIndex) continue;
        for (const std::string& shard :
             shardNames(m_path / folder / found.main, label + "/" + found.main))
            files.push_back(folder / shard);
    }
    std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
        return a.generic_string() < b.generic_string();
    });
    return files;
}

} // namespace kinora::pipelines
