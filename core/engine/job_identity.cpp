#include "core/engine/job_identity.h"

#include "core/library/file_hash.h"
#include "core/media/sha256.h"
#include "core/media/text_encoding.h"
#include "kernels/base/error.h"

#include <algorithm>
#include <span>
#include <system_error>

namespace kinora::core {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fileWent(const fs::path& path, const std::error_code& error) {
    throw Error(ErrorCode::Io, shownPath(path) + ": " + error.message() + ".",
                "Another program may be changing the model's folder.");
}

// Of files by names, sizes and times: their contents are too many to be read before a run.
class FilesIdentity {
  public:
    void add(const std::string& text) {
        m_hash.add(std::as_bytes(std::span(text.c_str(), text.size() + 1)));
    }
    // Throws Error{Io} where it went meanwhile.
    void add(const std::string& name, const fs::path& path) {
        try {
            add(name);
            add(std::to_string(fs::file_size(path)));
            add(std::to_string(fs::last_write_time(path).time_since_epoch().count()));
        } catch (const fs::filesystem_error& error) {
            fileWent(path, error.code());
        }
    }
    void add(const pipelines::Model& model) {
        for (const auto& file : model.files()) add(file.string(), model.root() / file);
        add(model.additions());
    }
    std::string digits() { return m_hash.digits(); }

  private:
    Sha256 m_hash;
};

// Of what embeddings say, by their vectors; empty where there are none.
std::string wordsHash(const std::vector<pipelines::LearntWord>& words) {
    if (words.empty()) return {};
    Sha256 hash;
    for (const pipelines::LearntWord& word : words) {
        hash.add(std::as_bytes(std::span(word.word)));
        for (const char* component : {"text_encoder", "text_encoder_2"})
            hash.add(std::as_bytes(std::span(word.vectors.vectorsFor(component).values)));
    }
    return sha256Name(hash.digits());
}

} // namespace

fs::file_time_type lastChange(const pipelines::Model& model) {
    auto latest = fs::file_time_type::min(); // its zero lies in the future
    for (const auto& file : model.files()) {
        std::error_code error;
        const auto changed = fs::last_write_time(model.root() / file, error);
        if (error) fileWent(model.root() / file, error);
        latest = std::max(latest, changed);
    }
    return latest;
}

std::string inputHash(const std::string& path, const CancelToken& cancel) {
    if (path.empty()) return {};
    const Result<std::string> hash = FileHashes({}).hash(path, cancel);
    if (!hash) throw hash.error();
    return sha256Name(*hash);
}

Provenance provenanceOf(const pipelines::ImageRequest& request, const CancelToken& cancel) {
    Provenance provenance;
    provenance.request = request;
    provenance.request.count = 1;
    provenance.request.batch = 0;
    provenance.request.previewEvery = 0;
    provenance.request.preview = pipelines::ImageRequest{}.preview;
    provenance.request.latentsPath.clear();
    provenance.request.latentsIndex = 0;
    provenance.request.saveLatentsPath.clear();
    provenance.request.initPath.clear();
    provenance.request.maskPath.clear();
    provenance.request.controlImages.clear();
    provenance.request.adapterImages.clear();
    provenance.latentsHash = inputHash(request.latentsPath, cancel);
    provenance.initHash = inputHash(request.initPath, cancel);
    provenance.maskHash = inputHash(request.maskPath, cancel);
    for (const std::string& path : request.controlImages)
        provenance.controlHashes.push_back(inputHash(path, cancel));
    for (const std::string& path : request.adapterImages)
        provenance.adapterHashes.push_back(inputHash(path, cancel));
    return provenance;
}

RunIdentity identityOf(const pipelines::ImageRequest& request, const Provenance& provenance,
                       const std::vector<const pipelines::Model*>& models, const JobPasses& passes,
                       const std::vector<fs::path>& pictures, const CancelToken& cancel) {
    FilesIdentity files;
    for (const pipelines::Model* model : models) files.add(*model);
    for (const Pass& pass : passes.list)
        if (pass.enlarge) files.add(pass.enlarge->upscaler.string(), pass.enlarge->upscaler);
    std::string inputs = provenance.latentsHash + provenance.initHash + provenance.maskHash;
    for (const auto* hashes : {&provenance.controlHashes, &provenance.adapterHashes})
        for (const std::string& hash : *hashes) inputs += hash;
    inputs += wordsHash(passes.list.front().inputs.words);
    for (const auto& picture : pictures) inputs += inputHash(picture.string(), cancel);
    return {requestIdentity(request), provenance.engineVersion, provenance.device,
            provenance.precision,     provenance.threads,       files.digits(),
            std::move(inputs)};
}

} // namespace kinora::core
