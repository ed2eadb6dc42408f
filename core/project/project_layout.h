#pragma once
// A project's JSON checked, and what its tasks are: the part of project_document that knows the
// fields.

#include "core/project/project_document.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::core {

class ProjectLayout {
  public:
    // Throws Error{BadFile} that names the field.
    explicit ProjectLayout(const nlohmann::ordered_json& project);
    ~ProjectLayout();

    const std::vector<ProjectBatch>& batches() const { return m_batches; }
    const std::vector<ProjectModel>& models() const { return m_models; }
    const std::vector<std::string>& warnings() const { return m_warnings; }
    const std::string& outputFormat() const { return m_format; }
    int64_t taskCount() const { return m_tasks; }

    // number: 0 to taskCount() - 1; project: the one that was checked. Throws
    // Error{InvalidArgument}.
    ProjectTask task(const nlohmann::ordered_json& project, int64_t number) const;

  private:
    struct Batch;
    void readModels(const nlohmann::ordered_json& project);
    void readPrompts(const nlohmann::ordered_json& project);
    void readShots(const nlohmann::ordered_json& project);
    void readBatches(const nlohmann::ordered_json& project);
    void readBatch(const nlohmann::ordered_json& batch, const std::string& where, Batch& place);
    void readRow(const nlohmann::ordered_json& row, const std::string& where, Batch& place);
    // What a row asks for, over what its batch and the project ask for.
    nlohmann::json merged(const Batch& batch, const nlohmann::ordered_json& row) const;
    void checkParameters(const nlohmann::ordered_json& object, const std::string& where);

    std::vector<ProjectBatch> m_batches;
    std::vector<std::unique_ptr<Batch>> m_places; // beside m_batches; Batch holds JSON by value
    std::vector<ProjectModel> m_models;
    std::map<std::string, std::pair<std::string, std::string>> m_prompts; // name: prompt, negative
    std::vector<std::string> m_warnings;
    std::string m_format = "png";
    int64_t m_tasks = 0;
};

// Whether a name of the table can stand in a project: what decides the picture and how it is run.
// What else a single run puts out (previews, latents to a file) cannot.
bool isProjectParameter(std::string_view name);

} // namespace kinora::core
