#include "core/project/batch_expansion.h"

#include "core/media/sampler_names.h"
#include "core/project/asset_values.h"
#include "core/project/delimited_text.h"
#include "core/project/project_layout.h"
#include "core/project/prompt_template.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>

namespace kinora::core {
namespace {

using nlohmann::ordered_json;
using pipelines::ImageRequest;
using pipelines::Parameter;

constexpr size_t kMostAxes = 3;
constexpr int64_t kMostSeed = int64_t{1} << 62;

// A request of which some parameters are asked for.
class Asked {
  public:
    void set(const Parameter& parameter, const std::string& text) {
        pipelines::setFromText(m_request, parameter, text);
        if (std::ranges::find(m_parameters, &parameter) == m_parameters.end())
            m_parameters.push_back(&parameter);
    }
    void forget(const char* name) {
        const Parameter* parameter = pipelines::findImageParameter(name);
        std::erase(m_parameters, parameter);
        const ImageRequest usual;
        std::visit([&](auto field) { m_request.*field = usual.*field; }, parameter->field);
    }
    bool has(const char* name) const {
        return std::ranges::find(m_parameters, pipelines::findImageParameter(name)) !=
               m_parameters.end();
    }
    ImageRequest& request() { return m_request; }
    const ImageRequest& request() const { return m_request; }

    // What was asked for, in the order of the table.
    ordered_json json() const {
        const nlohmann::json all = pipelines::toJson(m_request);
        ordered_json kept = ordered_json::object();
        for (const Parameter& parameter : pipelines::imageParameters())
            if (std::ranges::find(m_parameters, &parameter) != m_parameters.end())
                kept[std::string(parameter.name)] = ordered_json(
                    all.value(std::string(parameter.name), nlohmann::json::array())); // no LoRAs
        return kept;
    }

  private:
    ImageRequest m_request;
    std::vector<const Parameter*> m_parameters;
};

const Parameter& parameterNamed(const std::string& name) {
    const Parameter* parameter = parameterOfColumn(name);
    if (!parameter)
        throw Error(ErrorCode::InvalidArgument,
                    "There is no parameter '" + name.substr(0, 80) + "'.",
                    "Parameters are the options of kinora image.");
    return *parameter;
}

void set(Asked& asked, const std::string& name, const std::string& text) {
    asked.set(*pipelines::findImageParameter(name), text);
}

class Expansion {
  public:
    Expansion(const BatchTable& table, const BatchOptions& options, const AssetStore& assets)
        : m_table(table), m_options(options), m_assets(assets), m_wildcards(options.wildcards),
          m_random(static_cast<uint64_t>(options.seed)) {}

    ordered_json run() {
        check();
        setValues(m_settings, m_options.settings);
        if (m_settings.has("count")) m_count = m_settings.request().count;
        ordered_json batch = {{"name", m_options.name}};
        if (!m_table.file.empty()) batch["source"] = m_table.file;
        batch["settings"] = m_settings.json();
        batch["settings"]["count"] = 1; // each row is one picture: none is told twice
        if (!m_options.grid.empty()) batch["grid"] = gridJson();
        for (const BatchRow& row : m_table.rows) {
            try {
                expand(row);
            } catch (const Error& error) {
                throw Error(error.code(),
                            (m_table.file.empty() ? "" : m_table.file + ", ") + "line " +
                                std::to_string(row.line) + ": " + error.message(),
                            error.advice());
            }
        }
        batch["rows"] = std::move(m_rows);
        return batch;
    }

  private:
    void check() {
        if (m_options.grid.size() > kMostAxes)
            throw Error(ErrorCode::InvalidArgument, "A grid has up to three parameters.",
                        "Leave out one --grid.");
        if (m_options.seed < 0 || m_options.seed > kMostSeed)
            throw Error(ErrorCode::InvalidArgument, "The first seed is out of range.",
                        "Use 0 to 2^62.");
        m_count = m_options.count;
    }

    // values: by the names of parameters.
    void setValues(Asked& asked, std::vector<std::pair<std::string, std::string>> values) const {
        useOwnSamplerNames(values);
        for (const auto& [name, text] : values) {
            const Parameter& parameter = parameterNamed(name);
            asked.set(parameter, text);
            keepAsAssets(asked.request(), parameter, m_assets, m_options.files);
        }
    }

    void expand(const BatchRow& row) {
        Asked asked;
        std::vector<std::pair<std::string, std::string>> values;
        for (const auto& [parameter, text] : row.values) values.emplace_back(parameter->name, text);
        setValues(asked, std::move(values));
        const int64_t count = asked.has("count") ? asked.request().count : m_count;
        asked.forget("count"); // each row is one picture
        const PromptTemplate prompt(textOf(asked, "prompt"), m_wildcards);
        const PromptTemplate negative(textOf(asked, "negative"), m_wildcards);
        if (m_options.choices == PromptChoices::Draw) {
            checkCount(count);
            for (int64_t picture = 0; picture < count; ++picture)
                addVariant(row, asked, prompt.draw(m_random), negative.draw(m_random), picture);
            return;
        }
        const std::vector<std::string> prompts = prompt.all(kMostProjectTasks);
        const std::vector<std::string> negatives = negative.all(kMostProjectTasks);
        checkCount(static_cast<int64_t>(prompts.size() * negatives.size()) * count);
        for (const std::string& text : prompts)
            for (const std::string& steerAway : negatives)
                for (int64_t picture = 0; picture < count; ++picture)
                    addVariant(row, asked, text, steerAway, picture);
    }

    // variants: pictures of a row, its grid not counted; 0 to 10^16.
    void checkCount(int64_t variants) const {
        int64_t cells = 1;
        for (const GridAxis& axis : m_options.grid)
            cells *= static_cast<int64_t>(axis.values.size());
        const auto there = static_cast<int64_t>(m_rows.size());
        if (variants > kMostProjectTasks || cells > kMostProjectTasks ||
            there + variants * cells > kMostProjectTasks)
            throw Error(ErrorCode::InvalidArgument, "this makes more than a million pictures.",
                        "Use a smaller grid, or fewer combinations.");
    }

    // The row's, else the batch's, else the project's.
    std::string textOf(const Asked& row, const char* name) const {
        const Parameter& parameter = *pipelines::findImageParameter(name);
        const ImageRequest& request = row.has(name)          ? row.request()
                                      : m_settings.has(name) ? m_settings.request()
                                                             : m_options.projectSettings;
        return pipelines::toText(request, parameter).value_or("");
    }

    void addVariant(const BatchRow& row, Asked asked, const std::string& prompt,
                    const std::string& negative, int64_t picture) {
        // What the settings say already is not said again.
        if (asked.has("prompt") || prompt != textOf(asked, "prompt")) set(asked, "prompt", prompt);
        if (asked.has("negative") || negative != textOf(asked, "negative"))
            set(asked, "negative", negative);
        const bool fixed = asked.has("seed") || m_settings.has("seed");
        const int64_t first =
            asked.has("seed") ? *asked.request().seed : m_settings.request().seed.value_or(0);
        set(asked, "seed", std::to_string(fixed ? first + picture : m_options.seed + m_drawn));
        ++m_drawn;
        addCells(row, asked);
    }

    // The first axis changes fastest.
    void addCells(const BatchRow& row, const Asked& asked) {
        size_t cells = 1;
        for (const GridAxis& axis : m_options.grid) cells *= axis.values.size();
        for (size_t cell = 0; cell < cells; ++cell) {
            Asked filled = asked;
            std::vector<std::pair<std::string, std::string>> values;
            size_t place = cell;
            for (const GridAxis& axis : m_options.grid) {
                values.emplace_back(axis.parameter, axis.values[place % axis.values.size()]);
                place /= axis.values.size();
            }
            setValues(filled, std::move(values));
            pipelines::validate(filled.request());
            ordered_json entry = {{"request", filled.json()}};
            if (!row.note.empty()) entry["note"] = row.note;
            m_rows.push_back(std::move(entry));
        }
    }

    ordered_json gridJson() {
        ordered_json axes = ordered_json::array();
        for (const GridAxis& axis : m_options.grid)
            axes.push_back({{"parameter", std::string(parameterNamed(axis.parameter).name)},
                            {"values", axis.values}});
        return {{"axes", std::move(axes)}};
    }

    const BatchTable& m_table;
    const BatchOptions& m_options;
    const AssetStore& m_assets;
    Wildcards m_wildcards;
    SplitMix m_random;
    Asked m_settings;
    int64_t m_count = 1;
    int64_t m_drawn = 0; // pictures before, grids counted once
    ordered_json m_rows = ordered_json::array();
};

} // namespace

Result<ordered_json> expandBatch(const BatchTable& table, const BatchOptions& options,
                                 const AssetStore& assets) {
    try {
        return Expansion(table, options, assets).run();
    } catch (const Error& error) {
        return error;
    }
}

Result<GridAxis> parseGridAxis(const std::string& text) {
    const size_t equals = text.find('=');
    const Parameter* parameter =
        equals == std::string::npos ? nullptr : parameterOfColumn(text.substr(0, equals));
    if (!parameter || parameter->name == "count")
        return Error(ErrorCode::InvalidArgument,
                     "'" + text.substr(0, 80) + "' is no axis of a grid.",
                     "Write a parameter and its values: --grid cfg=3,5,7");
    Result<std::vector<std::string>> values = parseFields(text.substr(equals + 1), ',');
    if (!values)
        return Error(ErrorCode::InvalidArgument, "--grid: " + values.error().message(),
                     values.error().advice());
    constexpr size_t kMostValues = 1000;
    if (values->size() > kMostValues)
        return Error(ErrorCode::InvalidArgument, "--grid: there are more than 1000 values.",
                     "Use fewer.");
    return GridAxis{std::string(parameter->name), *std::move(values)};
}

} // namespace kinora::core
