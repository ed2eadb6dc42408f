#include "core/project/project_document.h"

#include "core/media/bounded_json.h"
#include "core/media/publish_file.h"
#include "core/media/text_encoding.h"
#include "core/project/project_layout.h"
#include "core/project/project_migration.h"
#include "core/project/project_text.h"
#include "core/project/whole_file.h"
#include "pipelines/request/parameters.h"

#include <nlohmann/json.hpp>

#include <new>
#include <span>

namespace kinora::core {

using nlohmann::ordered_json;

namespace {

constexpr const char* kFormat = "kinora-project";
constexpr size_t kLargestProject = size_t{256} << 20;

Error inFile(const std::string& shown, const Error& error) {
    return Error(error.code(), shown + ": " + error.message(), error.advice());
}

ordered_json emptyProject() {
    return {{"format", kFormat},
            {"version", kProjectVersion},
            {"settings", ordered_json::object()},
            {"models", ordered_json::array()},
            {"batches", ordered_json::array()}};
}

} // namespace

struct ProjectDocument::State {
    explicit State(ordered_json project) : json(std::move(project)), layout(json) {}
    ordered_json json;
    ProjectLayout layout;
    std::string readOnlyReason;
};

ProjectDocument::ProjectDocument() : m_state(*checked(emptyProject())) {}
ProjectDocument::ProjectDocument(std::unique_ptr<State> state) : m_state(std::move(state)) {}
ProjectDocument::~ProjectDocument() = default;
ProjectDocument::ProjectDocument(ProjectDocument&&) noexcept = default;
ProjectDocument& ProjectDocument::operator=(ProjectDocument&&) noexcept = default;
ProjectDocument::ProjectDocument(const ProjectDocument& other)
    : m_state(*checked(other.m_state->json)) {}
ProjectDocument& ProjectDocument::operator=(const ProjectDocument& other) {
    return *this = ProjectDocument(other);
}

Result<std::unique_ptr<ProjectDocument::State>> ProjectDocument::checked(ordered_json json) {
    try {
        if (!json.is_object() || json.value("format", ordered_json()) != kFormat)
            return Error(ErrorCode::BadFile, "is not a project of Kinora.",
                         "A project is a JSON object whose format is \"kinora-project\".");
        if (auto migrated = migrateProject(json, projectMigrations()); !migrated)
            return migrated.error();
        const auto version = json["version"].get<int64_t>();
        auto state = std::make_unique<State>(std::move(json));
        if (version > kProjectVersion)
            state->readOnlyReason = "A newer version of Kinora wrote this project (its format is " +
                                    std::to_string(version) + ", this program knows " +
                                    std::to_string(kProjectVersion) +
                                    "): it can be looked at, not changed.";
        return state;
    } catch (const Error& error) {
        return error;
    } catch (const std::bad_alloc&) {
        return Error(ErrorCode::OutOfMemory, "memory ran out while the project was read.");
    }
}

Result<ProjectDocument> ProjectDocument::parse(std::string_view text, const std::string& shown) {
    Result<ordered_json> json = parseBoundedOrderedJson(text, kLargestProject);
    if (!json) return inFile(shown, json.error());
    Result<std::unique_ptr<State>> state = checked(*std::move(json));
    if (!state) return inFile(shown, state.error());
    return ProjectDocument(*std::move(state));
}

Result<ProjectDocument> ProjectDocument::load(const std::filesystem::path& path) {
    const Result<std::string> text = readWholeFile(path, kLargestProject);
    if (!text) return text.error();
    return parse(*text, shownPath(path));
}

std::string ProjectDocument::text() const {
    return projectText(m_state->json);
}

Result<void> ProjectDocument::save(const std::filesystem::path& path, Overwrite overwrite) const {
    if (!m_state->readOnlyReason.empty())
        return Error(ErrorCode::Unsupported, shownPath(path) + ": " + m_state->readOnlyReason,
                     "Update Kinora.");
    const std::string bytes = text();
    return publishFile(std::as_bytes(std::span(bytes)), path,
                       overwrite == Overwrite::Yes ? core::Overwrite::Yes : core::Overwrite::No);
}

const std::string& ProjectDocument::readOnlyReason() const {
    return m_state->readOnlyReason;
}

const std::vector<std::string>& ProjectDocument::warnings() const {
    return m_state->layout.warnings();
}

int64_t ProjectDocument::taskCount() const {
    return m_state->layout.taskCount();
}

Result<ProjectTask> ProjectDocument::task(int64_t number) const {
    if (number < 0 || number >= taskCount())
        return Error(ErrorCode::InvalidArgument, "There is no task " + std::to_string(number) + ".",
                     taskCount() == 0
                         ? "The project has none; kinora project add puts a table into it."
                         : "Tasks are numbered from 0 to " + std::to_string(taskCount() - 1) + ".");
    try {
        return m_state->layout.task(m_state->json, number);
    } catch (const Error& error) {
        return error;
    }
}

std::vector<ProjectBatch> ProjectDocument::batches() const {
    return m_state->layout.batches();
}

std::vector<ProjectModel> ProjectDocument::models() const {
    return m_state->layout.models();
}

std::string ProjectDocument::outputFormat() const {
    return m_state->layout.outputFormat();
}

const ordered_json& ProjectDocument::json() const {
    return m_state->json;
}

Result<void> ProjectDocument::replace(ordered_json json) {
    if (!m_state->readOnlyReason.empty())
        return Error(ErrorCode::Unsupported, m_state->readOnlyReason, "Update Kinora.");
    Result<std::unique_ptr<State>> state = checked(std::move(json));
    if (!state) return state.error();
    m_state = *std::move(state);
    return {};
}

Result<void> ProjectDocument::setSetting(std::string_view name, std::string_view text) {
    const pipelines::Parameter* parameter = pipelines::findImageParameter(name);
    if (!parameter || !isProjectParameter(name))
        return Error(ErrorCode::InvalidArgument,
                     "There is no setting '" + std::string(name.substr(0, 80)) + "'.",
                     "Settings are the options of kinora image.");
    try {
        pipelines::ImageRequest request;
        pipelines::setFromText(request, *parameter, text);
        ordered_json json = m_state->json;
        const nlohmann::json values = pipelines::toJson(request);
        json["settings"][std::string(name)] =
            ordered_json(values.value(std::string(name), nlohmann::json::array())); // no LoRAs
        return replace(std::move(json));
    } catch (const Error& error) {
        return error;
    }
}

Result<void> ProjectDocument::addBatch(const ordered_json& batch) {
    ordered_json json = m_state->json;
    json["batches"].push_back(batch);
    return replace(std::move(json));
}

Result<void> ProjectDocument::setModelHash(const std::string& name, const std::string& hash) {
    ordered_json json = m_state->json;
    ordered_json& models = json["models"];
    for (auto& model : models) {
        if (model["name"] != name) continue;
        model["hash"] = hash;
        return replace(std::move(json));
    }
    models.push_back({{"name", name}, {"hash", hash}});
    return replace(std::move(json));
}

} // namespace kinora::core
