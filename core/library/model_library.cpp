#include "core/library/model_library.h"

#include "core/library/companion_cache.h"
#include "core/library/file_hash.h"
#include "core/library/model_folders.h"
#include "core/library/open_model.h"
#include "core/library/plain_file_name.h"
#include "core/library/weights_info.h"
#include "core/media/sha256.h"
#include "core/media/text_encoding.h"
#include "pipelines/image/resolve_request.h"
#include "pipelines/request/parameters.h"
#include "pipelines/text/learnt_words.h"
#include "pipelines/weights/lora/lora_family.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <dlfcn.h>
#include <set>
#include <span>

namespace kinora::core {

namespace fs = std::filesystem;
using pipelines::lowerCaseName;

namespace {

constexpr const char* kStarterModel = "starter-image";
constexpr const char* kIndexFile = "model_index.json";
constexpr int kMaximumDepth = 5;          // webui/models/Stable-diffusion/SDXL/anime, by a link
constexpr size_t kMaximumFolders = 5'000; // looked into, below one root
constexpr size_t kMaximumFiles = 50'000;  // in one folder

bool isModel(const fs::path& folder) {
    std::error_code error;
    return fs::is_regular_file(folder / kIndexFile, error);
}

bool isCheckpoint(const fs::path& path) {
    std::error_code error;
    const std::string ending = lowerCaseName(path.extension().string());
    return (ending == ".safetensors" || ending == ".ckpt" || ending == ".pt") &&
           fs::is_regular_file(path, error);
}

// The folder's own name, also of "models/x/" and of "."; a file's without its ending.
std::string nameOf(const fs::path& folder) {
    if (isCheckpoint(folder)) return folder.stem().string();
    std::error_code error;
    fs::path whole = fs::weakly_canonical(folder, error);
    if (error || whole.empty()) whole = folder;
    return whole.has_filename() ? whole.filename().string()
                                : whole.parent_path().filename().string();
}

std::string familyOf(const pipelines::Model& model) {
    if (!model.has("unet")) return {};
    const auto& unet = model.config("unet");
    const auto width = unet.find("cross_attention_dim");
    const bool isKnown = width != unet.end() && width->is_number_integer();
    if (!isKnown) return {};
    const std::string named = pipelines::familyOfTextWidth(width->get<int64_t>());
    return named.empty() ? kOwnFamily : named;
}

ModelEntry entryFor(const fs::path& folder, bool builtIn) {
    ModelEntry entry;
    entry.path = folder;
    entry.name = nameOf(folder);
    entry.title = entry.name;
    entry.builtIn = builtIn;
    try {
        const pipelines::Model model = openModel(folder);
        entry.kind = model.kind();
        entry.family = familyOf(model);
        if (!model.extras().name.empty()) entry.title = model.extras().name;
        entry.defaults = pipelines::imageRequestFromJson(model.extras().defaults);
        entry.warnings = pipelines::modelWarnings({}, model);
        for (const fs::path& file : model.files()) {
            std::error_code error;
            const uintmax_t size = fs::file_size(model.root() / file, error);
            if (!error) entry.sizeBytes += size;
        }
    } catch (const Error& error) {
        entry.problem = error.what();
        entry.otherKind = isCheckpoint(folder) && error.code() == ErrorCode::Unsupported;
    } catch (const std::exception& error) {
        entry.problem = error.what();
    }
    if (!entry.problem.empty() && isCheckpoint(folder)) {
        std::error_code error;
        const uintmax_t size = fs::file_size(folder, error);
        if (!error) entry.sizeBytes = size;
    }
    return entry;
}

struct FoundFolder { // or file
    fs::path path;
    bool builtIn;
};

// Whether a file's place and size say that it is no model, so that thousands of LoRAs need not be
// opened to know it: the smallest checkpoints, of 1.x, take 2 GB in half precision.
bool isSurelyBeside(const fs::path& path) {
    constexpr uintmax_t kSmallestCheckpoint = uintmax_t{512} << 20;
    const CompanionFile file{path};
    if (!file.inFolderOf(CompanionKind::Lora) && !file.inFolderOf(CompanionKind::Embedding))
        return false;
    std::error_code error;
    return isCheckpoint(path) && fs::file_size(path, error) < kSmallestCheckpoint && !error;
}

// Finds model folders and checkpoint files below roots, each once, whatever links lead to it. Files
// are taken by their ending: whether one is a model is seen when it is opened.
class Scan {
  public:
    void add(const fs::path& root, bool builtIn) {
        m_folders = 0;
        visit(root, builtIn, 0);
    }
    std::vector<FoundFolder> take() { return std::move(m_found); }

  private:
    void visit(const fs::path& folder, bool builtIn, int depth) {
        std::error_code error;
        const fs::path real = fs::canonical(folder, error);
        if (error || m_folders >= kMaximumFolders || isOfSystem(real)) return;
        if (!m_seen.insert(real).second) return;
        ++m_folders;
        if (isModel(folder)) {
            m_found.push_back({folder, builtIn});
            return;
        }
        for (const fs::path& child : children(folder))
            if (isCheckpoint(child))
                addFile(child, builtIn);
            else if (depth < kMaximumDepth)
                visit(child, builtIn, depth + 1);
    }

    void addFile(const fs::path& file, bool builtIn) {
        std::error_code error;
        const fs::path real = fs::canonical(file, error);
        if (!error && m_seen.insert(real).second) m_found.push_back({file, builtIn});
    }

    // Sorted: the order of a directory is the file system's affair.
    static std::vector<fs::path> children(const fs::path& folder) {
        std::vector<fs::path> found;
        std::error_code error;
        fs::directory_iterator entries(folder, fs::directory_options::skip_permission_denied,
                                       error);
        for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
            if (found.size() >= kMaximumFiles) break;
            std::error_code ignored;
            const bool passedOver = entries->path().filename().string().starts_with('.') ||
                                    isProgramFolder(entries->path());
            if (!passedOver && (entries->is_directory(ignored) || isCheckpoint(entries->path())))
                found.push_back(entries->path());
        }
        std::ranges::sort(found);
        return found;
    }

    std::set<fs::path> m_seen;
    size_t m_folders = 0; // that were visited below this root
    std::vector<FoundFolder> m_found;
};

std::vector<FoundFolder> foldersFor(const ModelLibrary::Options& options) {
    Scan scan;
    for (const fs::path& folder : options.folders) scan.add(folder, false);
    for (const fs::path& folder : addedModelFolders(options.dataFolder)) scan.add(folder, false);
    if (!options.dataFolder.empty()) scan.add(options.dataFolder / "models", false);
    const fs::path builtIn = builtInModelsFolder();
    if (!builtIn.empty()) scan.add(builtIn, true);
    return scan.take();
}

// Those that can be used: files like models' may be anything.
std::string namesIn(const std::vector<FoundFolder>& models) {
    std::string names;
    for (const FoundFolder& model : models) {
        if (names.size() > 1000) return names + ", ...";
        if (isSurelyBeside(model.path)) continue;
        if (!entryFor(model.path, model.builtIn).problem.empty()) continue;
        names += (names.empty() ? "" : ", ") + repairedUtf8(nameOf(model.path));
    }
    return names.empty() ? "none" : names;
}

// Other programs name a model with the folders that it lies in: "sdxl/juggernaut.safetensors". Such
// a name is looked up where nothing has that path.
bool isPathForSure(const std::string& name) {
    if (name == "." || name == ".." || name.starts_with('/') || name.starts_with("./") ||
        name.starts_with("../"))
        return true;
    std::error_code error;
    return name.find('/') != std::string::npos && fs::exists(fs::symlink_status(name, error));
}

// wanted: in lower case; with folders, the last of a model's own are compared too.
std::vector<FoundFolder> called(const std::vector<FoundFolder>& models, const std::string& wanted) {
    const bool withFolders = wanted.find('/') != std::string::npos;
    std::vector<FoundFolder> same;
    for (const FoundFolder& model : models) {
        const std::string name = lowerCaseName(nameOf(model.path));
        const std::string whole =
            withFolders ? lowerCaseName(model.path.parent_path().string()) + "/" + name : name;
        if (withFolders ? whole.ends_with("/" + wanted) : whole == wanted) same.push_back(model);
    }
    return same;
}

Error notFound(const std::string& name, const std::vector<FoundFolder>& models) {
    return Error(ErrorCode::NotFound,
                 "There is no model '" + repairedUtf8(name.substr(0, 200)) + "'.",
                 "Installed: " + namesIn(models) +
                     ". Give a name of these, or a folder with --model; --models adds a place to "
                     "look in.");
}

Result<ModelEntry> findByPath(const fs::path& path) {
    std::error_code error;
    if (fs::is_regular_file(path, error)) {
        const std::string extension = lowerCaseName(path.extension().string());
        if (path.filename() == kIndexFile) {
            return findByPath(path.has_parent_path() ? path.parent_path() : fs::path("."));
        }
        if (const std::optional<Error> other = otherKindOfFile(path)) return *other;
        if (isCheckpoint(path)) return entryFor(path, false);
        return Error(ErrorCode::Unsupported, shownPath(path) + ": this is not a model.",
                     "Use a checkpoint (.safetensors, .ckpt), or a diffusers folder: one with "
                     "model_index.json.");
    }
    const fs::file_status status = fs::status(path, error);
    if (error == std::errc::too_many_symbolic_link_levels) {
        return Error(ErrorCode::BadFile, shownPath(path) + ": its symbolic links lead in a circle.",
                     "Name the folder itself.");
    }
    if (!fs::exists(status)) {
        return Error(ErrorCode::NotFound, shownPath(path) + ": there is no such model folder.",
                     "kinora models lists those that are here.");
    }
    if (!fs::is_directory(status)) {
        return Error(ErrorCode::BadFile, shownPath(path) + ": is a pipe or a device, not a model.",
                     "Use a model in a diffusers folder: one with model_index.json.");
    }
    if (!isModel(path)) {
        return Error(ErrorCode::BadFile, shownPath(path) + ": this folder has no model_index.json.",
                     "A model is a diffusers folder.");
    }
    return entryFor(path, false);
}

fs::path folderOfThisLibrary() {
    Dl_info info{};
    if (dladdr(reinterpret_cast<const void*>(&builtInModelsFolder), &info) == 0) return {};
    std::error_code error;
    return fs::weakly_canonical(info.dli_fname, error).parent_path();
}

// Of a file its own; of a folder that of what sha256sum prints, so that a person can check: "<hash>
// <path>" in the order of the paths.
Result<std::string> hashOf(const fs::path& folder, FileHashes& hashes,
                           const CancelToken& cancel = {}) {
    try {
        if (isCheckpoint(folder)) {
            const Result<std::string> hash = hashes.hash(folder, cancel);
            return hash ? Result<std::string>(sha256Name(*hash)) : hash;
        }
        Sha256 list;
        for (const fs::path& file : openModel(folder).files()) {
            const Result<std::string> hash = hashes.hash(folder / file, cancel);
            if (!hash) return hash.error();
            const std::string line = *hash + "  " + file.generic_string() + "\n";
            list.add(std::as_bytes(std::span(line)));
        }
        return sha256Name(list.digits());
    } catch (const Error& error) {
        return error;
    } catch (const std::exception& error) {
        return Error(ErrorCode::Io, shownPath(folder) + ": " + error.what());
    }
}

fs::path cacheFileIn(const fs::path& dataFolder, const char* name) {
    return dataFolder.empty() ? fs::path() : dataFolder / "cache" / name;
}

constexpr const char* kHashes = "model-hashes.json";
constexpr const char* kCompanions = "companions.json";

// Whether all are one model that lies in several places, as where two programs have a checkpoint
// each. Reads them whole where their sizes are equal and their hashes not known yet.
bool areCopies(const std::vector<FoundFolder>& models, const fs::path& cacheFile) {
    std::set<uint64_t> sizes;
    for (const FoundFolder& model : models)
        sizes.insert(entryFor(model.path, model.builtIn).sizeBytes);
    if (sizes.size() != 1) return false;
    FileHashes hashes(cacheFile);
    std::set<std::string> known;
    for (const FoundFolder& model : models) {
        const Result<std::string> hash = hashOf(model.path, hashes);
        if (!hash) return false;
        known.insert(*hash);
    }
    hashes.save();
    return known.size() == 1;
}

} // namespace

ModelLibrary::ModelLibrary(Options options) : m_options(std::move(options)) {}

std::vector<ModelEntry> ModelLibrary::list(std::vector<ModelEntry>* others) const {
    std::vector<ModelEntry> models, neither;
    std::vector<fs::path> files; // of neither
    CompanionCache cache(cacheFileIn(m_options.dataFolder, kCompanions));
    for (const FoundFolder& found : foldersFor(m_options)) {
        if (isSurelyBeside(found.path) || cache.known(found.path)) continue;
        ModelEntry entry = entryFor(found.path, found.builtIn);
        if (!entry.otherKind) {
            models.push_back(std::move(entry));
        } else if (others) {
            files.push_back(entry.path);
            neither.push_back(std::move(entry));
        }
    }
    // Among checkpoints lie LoRAs, VAEs and more in the same format.
    cache.read(files);
    cache.save();
    for (ModelEntry& entry : neither)
        if (!cache.known(entry.path)) others->push_back(std::move(entry));
    return models;
}

Result<ModelEntry> ModelLibrary::find(const std::string& name) const {
    if (isPathForSure(name)) return findByPath(name);
    const std::vector<FoundFolder> models = foldersFor(m_options);
    const std::string wanted = lowerCaseName(name.empty() ? kStarterModel : name);
    std::vector<FoundFolder> same = called(models, wanted);
    if (same.empty()) same = called(models, lowerCaseName(plainFileName(name)));
    if (same.size() > 1) { // a LoRA may be called as a model is
        std::vector<FoundFolder> models;
        std::ranges::copy_if(same, std::back_inserter(models), [](const FoundFolder& model) {
            return entryFor(model.path, model.builtIn).problem.empty();
        });
        if (!models.empty()) same = std::move(models);
    }
    if (same.size() > 1) {
        // Where nobody named it, the one that came with the program is meant.
        const auto own = std::ranges::find(same, true, &FoundFolder::builtIn);
        const bool hasOwn = own != same.end();
        if ((name.empty() && hasOwn) || areCopies(same, cacheFileIn(m_options.dataFolder, kHashes)))
            same = {hasOwn ? *own : same.front()};
    }
    if (same.size() == 1) return entryFor(same.front().path, same.front().builtIn);
    if (same.size() > 1) {
        std::string candidates;
        for (const FoundFolder& model : same) candidates += " " + shownPath(model.path);
        return Error(ErrorCode::InvalidArgument,
                     "Several models are called '" + repairedUtf8(wanted) + "':" + candidates + ".",
                     "Give the path of the one that you mean.");
    }
    std::error_code error;
    const bool isPath = name.find('/') != std::string::npos;
    if (isPath || (!name.empty() && fs::exists(fs::symlink_status(name, error))))
        return findByPath(name);
    return notFound(name.empty() ? kStarterModel : name, models);
}

Result<ModelEntry> ModelLibrary::findByHash(const std::string& hash) const {
    FileHashes hashes(cacheFileIn(m_options.dataFolder, kHashes));
    std::optional<ModelEntry> found;
    for (const ModelEntry& model : list()) {
        if (found || !model.problem.empty()) continue;
        const Result<std::string> own = hashOf(model.path, hashes);
        if (own && *own == hash) found = model;
    }
    hashes.save();
    if (found) return *found;
    return Error(ErrorCode::NotFound,
                 "No model here has the hash " + repairedUtf8(hash.substr(0, 80)) + ".",
                 "Add its folder with --models.");
}

Result<std::string> ModelLibrary::hash(const ModelEntry& model, const CancelToken& cancel) const {
    FileHashes hashes(cacheFileIn(m_options.dataFolder, kHashes));
    const Result<std::string> hash = hashOf(model.path, hashes, cancel);
    hashes.save();
    return hash;
}

std::vector<fs::path> ModelLibrary::roots() const {
    std::vector<fs::path> roots = m_options.folders;
    std::ranges::move(addedModelFolders(m_options.dataFolder), std::back_inserter(roots));
    if (!m_options.dataFolder.empty()) roots.push_back(m_options.dataFolder / "models");
    return roots;
}

std::vector<CompanionInfo> ModelLibrary::companions() const {
    std::vector<fs::path> files;
    for (CompanionFile& file : companionFiles(roots()))
        if (!isModel(file.path.parent_path().parent_path())) // a part of a model's folder
            files.push_back(std::move(file.path));
    CompanionCache cache(cacheFileIn(m_options.dataFolder, kCompanions));
    cache.read(files);
    cache.save();
    const FileHashes hashes(cacheFileIn(m_options.dataFolder, kHashes));
    std::set<std::string> seen;
    std::vector<CompanionInfo> found;
    for (const fs::path& file : files) {
        std::optional<CompanionInfo> info = cache.known(file);
        if (!info) continue;
        if (const std::string known = hashes.known(file); !known.empty()) {
            info->hash = sha256Name(known);
            if (!seen.insert(known).second) continue;
        }
        found.push_back(*std::move(info));
    }
    return found;
}

Result<fs::path> ModelLibrary::findCompanion(CompanionKind kind, const std::string& name) const {
    if (kind == CompanionKind::Refiner) {
        const Result<ModelEntry> model = find(name);
        return model ? Result<fs::path>(model->path) : model.error();
    }
    return core::findCompanion(roots(), kind, name);
}

std::vector<CompanionFile> ModelLibrary::filesBeside() const {
    return companionFiles(roots());
}

std::vector<fs::path> ModelLibrary::companionsOf(CompanionKind kind) const {
    std::vector<fs::path> paths;
    for (CompanionFile& file : filesBeside())
        if (file.inFolderOf(kind)) paths.push_back(std::move(file.path));
    return paths;
}

std::vector<fs::path> ModelLibrary::imageEncodersFor(const fs::path& adapter) const {
    return core::imageEncodersFor(adapter, roots());
}

Result<fs::path> ModelLibrary::findCompanionByHash(CompanionKind kind,
                                                   const std::string& hash) const {
    if (kind == CompanionKind::Refiner) {
        const Result<ModelEntry> model = findByHash(hash);
        return model ? Result<fs::path>(model->path) : model.error();
    }
    std::vector<CompanionFile> files = companionFiles(roots());
    // Hashing reads whole files: those of the right folder first.
    std::ranges::stable_partition(
        files, [kind](const CompanionFile& file) { return file.inFolderOf(kind); });
    FileHashes hashes(cacheFileIn(m_options.dataFolder, kHashes));
    std::optional<fs::path> found;
    for (const CompanionFile& file : files) {
        const Result<std::string> own = hashes.hash(file.path);
        if (!own || sha256Name(*own) != hash) continue;
        found = file.path;
        break;
    }
    hashes.save();
    if (found) return *found;
    return Error(ErrorCode::NotFound,
                 std::string("No ") + companionKindName(kind) + " here has the hash " +
                     repairedUtf8(hash.substr(0, 80)) + ".",
                 "Add its folder with --models.");
}

Result<std::string> ModelLibrary::fileHash(const fs::path& file, const CancelToken& cancel) const {
    FileHashes hashes(cacheFileIn(m_options.dataFolder, kHashes));
    std::error_code ignored;
    if (fs::is_directory(file, ignored)) {
        Result<std::string> hash = hashOf(file, hashes, cancel);
        hashes.save();
        return hash;
    }
    const Result<std::string> hash = hashes.hash(file, cancel);
    hashes.save();
    return hash ? Result<std::string>(sha256Name(*hash)) : hash;
}

fs::path builtInModelsFolder() {
    const fs::path library = folderOfThisLibrary();
    std::error_code error;
    // <prefix>/lib, or <prefix>/lib/<machine> as Debian has it; the build tree is laid out alike.
    for (const char* up : {"../share/kinora/models", "../../share/kinora/models"}) {
        const fs::path models = (library / up).lexically_normal();
        if (!library.empty() && fs::is_directory(models, error)) return models;
    }
    return {};
}

} // namespace kinora::core
