#pragma once
// name.kinora: a project as a file (resources/schemas/project.schema.json). It is kept as the JSON
// that it is, so that fields which this version does not know survive, at every level.
//
//     Result<ProjectDocument> project = ProjectDocument::load("foxes.kinora");
//     for (int64_t n = 0; n < project->taskCount(); ++n) use(project->task(n)->request);
//
// Tasks are numbered from 0 and are a pure function of the file: batches in order, rows in order,
// and for each row `count` pictures. A value. One thread at a time.

#include "kernels/base/result.h"
#include "pipelines/request/image_request.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::core {

inline constexpr int64_t kProjectVersion = 1;
inline constexpr int64_t kMostProjectTasks = 1'000'000;

struct ProjectTask { // one picture
    int64_t number = 0;
    std::string batch;               // the name of its batch
    int64_t row = 0;                 // in its batch, from 0
    int64_t picture = 0;             // of that row, from 0
    pipelines::ImageRequest request; // count 1, with a seed: where the file says none, the number
};

struct ProjectModel {
    std::string name;
    std::string hash; // "sha256:...", empty where it was not known
};

// Up to three parameters that a batch varies, the first fastest: its rows come in this order.
struct GridAxis {
    std::string parameter;           // a name of the table
    std::vector<std::string> values; // as a person types them
};

struct ProjectBatch {
    std::string name;
    int64_t rows = 0;
    int64_t firstTask = 0;
    int64_t tasks = 0;
    std::vector<GridAxis> grid; // empty: none
};

class ProjectDocument {
  public:
    ProjectDocument(); // empty
    ~ProjectDocument();
    ProjectDocument(const ProjectDocument& other);
    ProjectDocument(ProjectDocument&&) noexcept;
    ProjectDocument& operator=(const ProjectDocument& other);
    ProjectDocument& operator=(ProjectDocument&&) noexcept;

    // Hostile input: size, depth, types, ranges, references and cycles are checked. shown: what
    // messages call the file. Errors: BadFile, and as readWholeFile.
    static Result<ProjectDocument> parse(std::string_view text, const std::string& shown);
    static Result<ProjectDocument> load(const std::filesystem::path& path);

    std::string text() const;
    // In one step. Replaces the file only with overwrite; a project of a newer version is not
    // saved at all. Errors as publishFile.
    enum class Overwrite { No, Yes };
    Result<void> save(const std::filesystem::path& path, Overwrite overwrite) const;

    // Why it can be looked at and no more (a newer version wrote it); empty: it can be changed.
    const std::string& readOnlyReason() const;
    // Sentences: parameters that this version does not know, shots that it does not render.
    const std::vector<std::string>& warnings() const;

    int64_t taskCount() const;
    // Error{InvalidArgument}: there is no such task, or it asks for something that this version
    // does not know.
    Result<ProjectTask> task(int64_t number) const;
    std::vector<ProjectBatch> batches() const;
    std::vector<ProjectModel> models() const;
    std::string outputFormat() const; // "png"

    // Each checks the whole document and changes nothing where it fails.
    Result<void> setSetting(std::string_view parameter, std::string_view text);
    Result<void> addBatch(const nlohmann::ordered_json& batch);
    Result<void> setModelHash(const std::string& name, const std::string& hash);

    const nlohmann::ordered_json& json() const;

  private:
    struct State;
    explicit ProjectDocument(std::unique_ptr<State> state);
    static Result<std::unique_ptr<State>> checked(nlohmann::ordered_json json);
    Result<void> replace(nlohmann::ordered_json json);

    std::unique_ptr<State> m_state;
};

} // namespace kinora::core
