#include "core/library/companion_files.h"

#include "core/library/model_folders.h"
#include "core/library/plain_file_name.h"
#include "core/media/text_encoding.h"
#include "kernels/base/error.h"
#include "pipelines/request/control_choice.h"
#include "pipelines/request/embedding_choice.h"
#include "pipelines/request/ip_adapter_choice.h"
#include "pipelines/request/lora_choice.h"
#include "pipelines/text/learnt_words.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace kinora::core {

namespace fs = std::filesystem;
using pipelines::lowerCaseName;

namespace {

constexpr const char* kDiffusersStem = "diffusion_pytorch_model";
constexpr int kMaximumDepth = 6; // stable-diffusion-webui/models/Lora/style/artist
constexpr size_t kMaximumFiles = 50'000, kMaximumFolders = 5'000;

struct KindRow {
    CompanionKind kind;
    const char* name;
    std::array<std::string_view, 6> folders; // in lower case
};
constexpr KindRow kKinds[] = {
    {CompanionKind::Lora, "LoRA", {"lora", "loras", "lycoris", "locon"}},
    {CompanionKind::Vae, "VAE", {"vae", "vaes", "vae-approx", "vae_approx", "vae-taesd"}},
    {CompanionKind::ControlNet,
     "ControlNet",
     {"controlnet", "controlnets", "control_net", "control-net", "t2i_adapter", "t2i-adapter"}},
    {CompanionKind::Adapter,
     "T2I-Adapter",
     {"t2i_adapter", "t2i-adapter", "t2i_adapters", "t2iadapter", "controlnet", "controlnets"}},
    {CompanionKind::Embedding,
     "embedding",
     {"embeddings", "embedding", "textual_inversion", "textual-inversion"}},
    {CompanionKind::Upscaler, "upscaler", {"esrgan", "realesrgan", "upscale_models", "upscalers"}},
    {CompanionKind::IpAdapter, "IP-Adapter", {"ipadapter", "ip-adapter", "ip_adapter"}},
    {CompanionKind::ImageEncoder, "picture encoder", {"image_encoder", "clip_vision"}},
    {CompanionKind::Picture, "picture", {}},
    {CompanionKind::Refiner, "refiner", {}}, // a model: ModelLibrary finds it
};

const KindRow& rowOf(CompanionKind kind) {
    return *std::ranges::find(kKinds, kind, &KindRow::kind);
}

bool isCompanionFolder(const fs::path& folder) {
    const std::string name = lowerCaseName(folder.filename().string());
    return std::ranges::any_of(kKinds, [&](const KindRow& row) {
        return std::ranges::find(row.folders, name) != row.folders.end();
    });
}

// Where checkpoints lie in A1111, ComfyUI and InvokeAI: beside other kinds of files.
bool isCheckpointFolder(const fs::path& folder) {
    const std::string name = lowerCaseName(folder.filename().string());
    return name == "stable-diffusion" || name == "checkpoints" || name == "main" ||
           name == "diffusers";
}

// Those beside a folder of checkpoints, itself among them, sorted. Others are not looked into: the
// parent may be a whole home.
std::vector<fs::path> foldersBeside(const fs::path& checkpoints) {
    std::vector<fs::path> folders{checkpoints};
    std::error_code error;
    const fs::path parent = checkpoints.parent_path();
    fs::directory_iterator entries(parent.empty() ? fs::path(".") : parent,
                                   fs::directory_options::skip_permission_denied, error);
    for (size_t count = 0; !error && entries != fs::directory_iterator() && count < kMaximumFiles;
         ++count) {
        if (isCompanionFolder(entries->path())) folders.push_back(entries->path());
        entries.increment(error);
    }
    std::ranges::sort(folders);
    return folders;
}

class Scan {
  public:
    void visit(const fs::path& folder, int depth = 0) {
        std::error_code error;
        const fs::path real = fs::canonical(folder, error);
        if (error || depth > kMaximumDepth || m_folders >= kMaximumFolders) return;
        if (isOfSystem(real) || !m_seen.insert(real).second) return;
        ++m_folders;
        std::vector<fs::path> children;
        fs::directory_iterator entries(folder, fs::directory_options::skip_permission_denied,
                                       error);
        for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
            if (children.size() + found.size() >= kMaximumFiles) break;
            if (!entries->path().filename().string().starts_with('.'))
                children.push_back(entries->path());
        }
        std::ranges::sort(children);
        for (const fs::path& child : children) {
            std::error_code ignored;
            if (fs::is_directory(child, ignored)) {
                if (!isProgramFolder(child)) visit(child, depth + 1);
            } else if (hasWeightsEnding(child) && fs::is_regular_file(child, ignored)) {
                add(child);
            }
        }
    }

    std::vector<CompanionFile> found;

  private:
    void add(const fs::path& file) {
        std::error_code error;
        const fs::path real = fs::canonical(file, error);
        if (!error && m_seen.insert(real).second) found.push_back({file});
    }

    std::set<fs::path> m_seen;
    size_t m_folders = 0; // that were visited
};

Result<fs::path> existing(const fs::path& path, CompanionKind kind) {
    std::error_code error;
    if (fs::is_regular_file(path, error)) return path;
    const bool net = kind == CompanionKind::ControlNet || kind == CompanionKind::Adapter;
    if (net || kind == CompanionKind::Vae) // a diffusers folder, or a model's with one in it
        for (const fs::path& folder : {path, path / (net ? "controlnet" : "vae")})
            for (const char* ending : {".safetensors", ".fp16.safetensors", ".bin"})
                if (const fs::path file = folder / (std::string(kDiffusersStem) + ending);
                    fs::is_regular_file(file, error))
                    return file;
    return Error(ErrorCode::NotFound,
                 shownPath(path) + ": there is no such " + companionKindName(kind) + ".",
                 "Check the path.");
}

} // namespace

bool CompanionFile::inFolderOf(CompanionKind kind) const {
    const KindRow& row = rowOf(kind);
    return std::any_of(path.begin(), path.end(), [&](const fs::path& part) {
        return !part.empty() &&
               std::ranges::find(row.folders, lowerCaseName(part.string())) != row.folders.end();
    });
}

std::vector<CompanionFile> companionFiles(const std::vector<fs::path>& roots) {
    Scan scan;
    for (const fs::path& given : roots) {
        const fs::path root = given.has_filename() ? given : given.parent_path();
        if (!isCheckpointFolder(root))
            scan.visit(root);
        else
            for (const fs::path& folder : foldersBeside(root)) scan.visit(folder);
    }
    return std::move(scan.found);
}

bool isProgramFolder(const fs::path& folder) {
    const fs::path name = folder.filename();
    return name == "venv" || name == "site-packages" || name == "node_modules" ||
           name == "__pycache__";
}

bool hasWeightsEnding(const fs::path& path) {
    const std::string ending = lowerCaseName(path.extension().string());
    return ending == ".safetensors" || ending == ".pt" || ending == ".ckpt" || ending == ".pth" ||
           ending == ".bin";
}

// All diffusers folders call the file alike: what is in it is told by the folder.
std::string companionName(const fs::path& path) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) // of a model; completion in shells ends it with a slash
        return (path.has_filename() ? path : path.parent_path()).filename().string();
    const std::string stem = path.stem().string();
    const fs::path folder = path.parent_path();
    if (folder.filename() == "image_encoder" && stem.ends_with("model")) return "image_encoder";
    if (!stem.starts_with(kDiffusersStem)) return stem;
    return (folder.filename() == "vae" ? folder.parent_path() : folder).filename().string();
}

const char* companionKindName(CompanionKind kind) {
    return rowOf(kind).name;
}

namespace {

// Names in the kind's folders that have the word in them, for who says "canny" and means
// control_v11p_sd15_canny; "" where there are none, or too many to be a hint.
std::string namesWith(const std::vector<CompanionFile>& files, CompanionKind kind,
                      const std::string& word) {
    constexpr size_t kMostNames = 5, kShortestWord = 3;
    if (word.size() < kShortestWord) return {};
    std::set<std::string> names;
    for (const CompanionFile& file : files) {
        const std::string name = companionName(file.path);
        if (file.inFolderOf(kind) && lowerCaseName(name).find(word) != std::string::npos)
            names.insert(repairedUtf8(name));
    }
    if (names.size() > kMostNames) return {};
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : " or ") + name;
    return text;
}

} // namespace

Result<fs::path> findCompanion(const std::vector<fs::path>& roots, CompanionKind kind,
                               const std::string& name) {
    if (name.find('/') != std::string::npos || kind == CompanionKind::Picture)
        return existing(name, kind);
    std::vector<fs::path> own, others; // in a folder of the kind, and elsewhere
    const std::vector<CompanionFile> files = companionFiles(roots);
    for (const std::string& asked : {name, plainFileName(name)}) {
        if (!own.empty() || !others.empty()) break;
        const std::string wanted = lowerCaseName(asked);
        for (const CompanionFile& file : files) {
            const std::string stem = lowerCaseName(companionName(file.path));
            if (stem != wanted && lowerCaseName(file.path.filename().string()) != wanted) continue;
            (file.inFolderOf(kind) ? own : others).push_back(file.path);
        }
    }
    const std::vector<fs::path>& same = own.empty() ? others : own;
    if (same.size() == 1) return same.front();
    const std::string kindName = companionKindName(kind);
    if (same.size() > 1) {
        std::string candidates;
        for (const fs::path& path : same) candidates += " " + shownPath(path);
        return Error(ErrorCode::InvalidArgument,
                     "Several files are called '" + repairedUtf8(name) + "':" + candidates + ".",
                     "Give the path of the one that you mean.");
    }
    std::error_code error;
    if (fs::is_regular_file(name, error)) return fs::path(name);
    const std::string near = namesWith(files, kind, lowerCaseName(plainFileName(name)));
    if (!near.empty())
        return Error(ErrorCode::NotFound,
                     "There is no " + kindName + " '" + repairedUtf8(name.substr(0, 200)) + "'.",
                     "Did you mean " + near + "?");
    std::string places;
    for (const fs::path& root : roots) places += (places.empty() ? "" : ", ") + shownPath(root);
    return Error(ErrorCode::NotFound,
                 "There is no " + kindName + " '" + repairedUtf8(name.substr(0, 200)) + "'.",
                 "Looked for below " + (places.empty() ? std::string("no folder") : places) +
                     ". Give its path, or a folder with --models.");
}

std::vector<fs::path> imageEncodersFor(const fs::path& adapter,
                                       const std::vector<fs::path>& roots) {
    std::vector<fs::path> beside;
    const fs::path folder = adapter.parent_path(), above = folder.parent_path();
    for (const fs::path& place : {folder, above, above / "models"})
        for (const char* name : {"image_encoder", "clip_vision"}) beside.push_back(place / name);
    Scan scan;
    for (const fs::path& place : beside) scan.visit(place, kMaximumDepth);
    std::vector<CompanionFile> files = companionFiles(roots);
    std::erase_if(files, [](const CompanionFile& file) {
        return !file.inFolderOf(CompanionKind::ImageEncoder);
    });
    std::vector<fs::path> found;
    for (const auto& list : {scan.found, files})
        for (const CompanionFile& file : list) found.push_back(file.path);
    return found;
}

std::string CompanionPlace::name() const {
    switch (kind) {
    case CompanionKind::Vae:
    case CompanionKind::Upscaler:
    case CompanionKind::Refiner:
    case CompanionKind::ImageEncoder: return *text;
    case CompanionKind::Lora: {
        const auto choice = pipelines::parseLoraChoice(*text);
        return choice ? choice->name : *text;
    }
    case CompanionKind::Embedding: {
        const auto choice = pipelines::parseEmbeddingChoice(*text);
        return choice ? choice->name : *text;
    }
    case CompanionKind::ControlNet:
    case CompanionKind::Adapter: {
        const auto choice = pipelines::parseControlChoice(*text);
        return choice ? choice->name : *text;
    }
    case CompanionKind::IpAdapter: {
        const auto choice = pipelines::parseIpAdapterChoice(*text);
        return choice ? choice->adapter : *text;
    }
    case CompanionKind::Picture: {
        const auto choice = pipelines::parseIpAdapterChoice(*text);
        return choice ? choice->picture : *text;
    }
    }
    return *text;
}

void CompanionPlace::rename(const std::string& name) const {
    switch (kind) {
    case CompanionKind::Lora: *text = pipelines::withLoraName(*text, name); break;
    case CompanionKind::Embedding: *text = pipelines::withEmbeddingName(*text, name); break;
    case CompanionKind::Vae:
    case CompanionKind::Upscaler:
    case CompanionKind::Refiner:
    case CompanionKind::ImageEncoder: *text = name; break;
    case CompanionKind::ControlNet:
    case CompanionKind::Adapter: *text = pipelines::withControlName(*text, name); break;
    case CompanionKind::IpAdapter:
    case CompanionKind::Picture:
        if (auto choice = pipelines::parseIpAdapterChoice(*text)) {
            (kind == CompanionKind::IpAdapter ? choice->adapter : choice->picture) = name;
            *text = toText(*choice);
        }
        break;
    }
}

std::vector<CompanionPlace> companionPlaces(pipelines::ImageRequest& request) {
    std::vector<CompanionPlace> places;
    for (std::string& lora : request.loras) places.push_back({CompanionKind::Lora, &lora});
    if (request.vae && !request.vae->empty()) places.push_back({CompanionKind::Vae, &*request.vae});
    for (std::string& net : request.controls) places.push_back({CompanionKind::ControlNet, &net});
    for (std::string& net : request.adapters) places.push_back({CompanionKind::Adapter, &net});
    for (std::string& embedding : request.embeddings)
        places.push_back({CompanionKind::Embedding, &embedding});
    if (request.refiner && !request.refiner->empty())
        places.push_back({CompanionKind::Refiner, &*request.refiner});
    for (auto* upscaler : {&request.hiresUpscaler, &request.upscaler})
        if (*upscaler && !(*upscaler)->empty())
            places.push_back({CompanionKind::Upscaler, &**upscaler});
    for (std::string& picture : request.ipAdapters) {
        places.push_back({CompanionKind::IpAdapter, &picture});
        places.push_back({CompanionKind::Picture, &picture});
    }
    if (request.imageEncoder && !request.imageEncoder->empty())
        places.push_back({CompanionKind::ImageEncoder, &*request.imageEncoder});
    return places;
}

} // namespace kinora::core
