// kinora project: makes and changes projects from tables and pictures, packs and unpacks them.

#include "app/cli/command.h"
#include "app/cli/exit_code.h"
#include "app/cli/project_arguments.h"
#include "app/cli/text_table.h"
#include "core/project/asset_values.h"
#include "core/project/batch_expansion.h"
#include "core/project/batch_table.h"
#include "core/project/picture_import.h"
#include "core/project/project_archive.h"
#include "core/project/project_document.h"
#include "core/project/project_history.h"
#include "core/project/project_lock.h"
#include "core/project/project_paths.h"
#include "kernels/base/cancel_token.h"
#include "kernels/base/elapsed_time.h"
#include "pipelines/request/parameters.h"
#include "pipelines/request/request_partners.h"

#include <QRandomGenerator>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace kinora::app {
namespace {

namespace fs = std::filesystem;
using core::ProjectDocument;
using nlohmann::ordered_json;

constexpr size_t kShownTasks = 8;
constexpr int64_t kMostSeed = int64_t{1} << 62;

class ProjectCommand {
  public:
    explicit ProjectCommand(const CommandContext& context)
        : m_context(context), m_console(context.console), m_arguments(context.arguments) {}

    // kinora project batch TABLE --output name.kinora
    int makeFromTable() {
        expectArguments(1, 1, "kinora project batch table.csv --output name.kinora");
        const auto output = m_arguments.value("output");
        if (!output)
            throw Error(ErrorCode::InvalidArgument, "There is no --output.",
                        "Name the project: --output name.kinora");
        if (fs::path(*output).extension() != ".kinora")
            throw Error(ErrorCode::InvalidArgument,
                        "--output: " + *output + " does not end in .kinora.",
                        "Name the project: --output name.kinora");
        const core::ProjectPaths paths = core::projectPaths(*output);
        refuseIfThere(paths.project);
        ProjectDocument project;
        for (const auto& [name, text] : settingsAsked(paths))
            orThrow(project.setSetting(name, text));
        if (!project.json()["settings"].contains("model"))
            orThrow(project.setSetting("model", modelName("")));
        addTable(project, paths, m_arguments.positional[1], {});
        return finish(project, paths,
                      m_arguments.has("overwrite") ? ProjectDocument::Overwrite::Yes
                                                   : ProjectDocument::Overwrite::No);
    }

    // kinora project add name.kinora FILE...
    int add() {
        expectArguments(2, -1, "kinora project add name.kinora more.csv picture.png");
        const core::ProjectPaths paths =
            core::projectPaths(projectPathFrom(m_arguments.positional[1]));
        // Two that add at once would each save what they loaded, and one batch be lost.
        const core::ProjectLock lock = orThrow(core::ProjectLock::take(paths.project));
        ProjectDocument project = orThrow(ProjectDocument::load(paths.project));
        const auto settings = settingsAsked(paths);
        std::vector<core::ImportedPicture> pictures;
        for (size_t i = 2; i < m_arguments.positional.size(); ++i) {
            const fs::path file(m_arguments.positional[i]);
            if (core::isBatchTable(file))
                addTable(project, paths, file, settings);
            else
                pictures.push_back(orThrow(core::importPicture(file, m_context.program.library)));
        }
        if (!pictures.empty()) addPictures(project, pictures);
        return finish(project, paths, ProjectDocument::Overwrite::Yes);
    }

    // kinora project pack name.kinora [--output name.zip]
    int pack() {
        expectArguments(1, 1, "kinora project pack name.kinora --output name.zip");
        const core::ProjectPaths paths =
            core::projectPaths(projectPathFrom(m_arguments.positional[1]));
        const fs::path output = m_arguments.value("output").value_or(
            (paths.project.parent_path() / (paths.project.stem().string() + ".zip")).string());
        orThrow(core::packProject(paths, output,
                                  m_arguments.has("overwrite") ? core::Overwrite::Yes
                                                               : core::Overwrite::No));
        return told(output);
    }

    // kinora project unpack name.zip [--output DIR]
    int unpack() {
        expectArguments(1, 1, "kinora project unpack name.zip --output folder");
        const fs::path archive(m_arguments.positional[1]);
        const fs::path output = m_arguments.value("output").value_or(archive.stem().string());
        // Told to stop, it takes away what it has made so far.
        CancelToken cancel;
        m_context.interrupts.setHandler([token = cancel]() mutable { token.cancel(); });
        const Clock::time_point start = Clock::now();
        try {
            const auto unpacked =
                core::unpackProject(archive, output, cancel, [&](double fraction) {
                    showUnpacking(secondsSince(start), fraction);
                });
            m_console.endProgress();
            m_context.interrupts.setHandler({});
            return told(orThrow(unpacked));
        } catch (const Cancelled&) {
            m_console.endProgress();
            m_console.event({{"event", "cancelled"}});
            m_console.remark("Cancelled. Nothing was unpacked.");
            return kExitInterrupted;
        }
    }

    // kinora project rate name.kinora TASK|FILE STARS
    int rate() {
        if (m_arguments.positional.size() != 4)
            throw Error(ErrorCode::InvalidArgument,
                        "kinora project rate takes a project, a task or a picture, and stars.",
                        "For example: kinora project rate name.kinora 7 4");
        const core::ProjectPaths paths =
            core::projectPaths(projectPathFrom(m_arguments.positional[1]));
        orThrow(ProjectDocument::load(paths.project)); // is it one?
        core::ProjectHistory history(paths.history);
        if (const std::string text = history.damageText(); !text.empty()) m_console.warning(text);
        const std::string picture = pictureNamed(history, m_arguments.positional[2]);
        const int stars = starsFrom(m_arguments.positional[3]);
        if (!m_arguments.has("dry-run")) {
            orThrow(history.addRating(picture, stars));
            history.saveIndex();
        }
        m_console.event({{"event", "project"},
                         {"action", "rate"},
                         {"file", paths.project.string()},
                         {"picture", picture},
                         {"rating", stars}});
        m_console.remark(printable(picture) + ": " +
                         (stars == 0 ? "no stars" : std::to_string(stars) + " of 5 stars") + ".");
        return kExitDone;
    }

  private:
    // The file's name in the history: of that task's last picture, or of that file.
    static std::string pictureNamed(const core::ProjectHistory& history, const std::string& word) {
        const std::string name = fs::path(word).filename().string();
        if (history.latest(name)) return name;
        const bool isNumber = word.find_first_not_of("0123456789") == std::string::npos;
        if (isNumber && !word.empty() && word.size() < 10) {
            const auto made = history.latestByTask();
            if (const auto task = made.find(std::stoll(word)); task != made.end())
                return task->second.file;
        }
        throw Error(ErrorCode::NotFound,
                    isNumber ? "Task " + word.substr(0, 60) + " has no picture yet."
                             : "The project has made no picture called " + printable(name) + ".",
                    "kinora render makes the pictures; kinora info lists those that there are.");
    }

    static int starsFrom(const std::string& word) {
        if (word.size() != 1 || word[0] < '0' || word[0] > '5')
            throw Error(ErrorCode::InvalidArgument,
                        "'" + word.substr(0, 60) + "' is no number of stars.",
                        "They are 1 to 5; 0 takes them away.");
        return word[0] - '0';
    }

    void showUnpacking(double seconds, double fraction) {
        constexpr double kShort = 1;
        if (seconds < kShort || fraction <= 0) return;
        m_console.progress({.label = "Unpacking",
                            .fraction = fraction,
                            .secondsLeft = seconds / fraction * (1 - fraction)});
    }

    int told(const fs::path& file) {
        m_console.event(
            {{"event", "project"}, {"action", m_arguments.positional[0]}, {"file", file.string()}});
        m_console.data(file.string());
        return kExitDone;
    }

    void expectArguments(size_t least, int most, const char* example) const {
        const size_t given = m_arguments.positional.size() - 1;
        if (given < least || (most >= 0 && given > static_cast<size_t>(most)))
            throw Error(ErrorCode::InvalidArgument,
                        "kinora project " + m_arguments.positional[0] + " takes " +
                            (most < 0 ? "a project and files." : "one file."),
                        std::string("For example: ") + example);
    }

    void refuseIfThere(const fs::path& path) const {
        std::error_code ignored;
        if (fs::exists(fs::symlink_status(path, ignored)) && !m_arguments.has("overwrite"))
            throw Error(ErrorCode::InvalidArgument, path.string() + " is there already.",
                        "Give another name, --overwrite to replace it, or put the table into it: "
                        "kinora project add " +
                            path.string() + " table.csv");
    }

    // As the library calls it: a project holds no paths.
    std::string modelName(const std::string& asked) const {
        const core::ModelEntry entry = orThrow(m_context.program.library.find(asked));
        const auto byName = m_context.program.library.find(entry.name);
        if (!byName || byName->path != entry.path)
            m_console.warning("The model " + entry.name +
                              " is found by its path alone; render "
                              "with --models " +
                              entry.path.parent_path().string() + ".");
        return entry.name;
    }

    core::AssetStore assetsOf(const core::ProjectPaths& paths) const {
        return core::AssetStore(m_arguments.has("dry-run") ? fs::path() : paths.assets);
    }

    // --set, with the model as the library calls it and files as assets.
    std::vector<std::pair<std::string, std::string>>
    settingsAsked(const core::ProjectPaths& paths) const {
        auto settings = assignmentsFrom(m_arguments.values("set"));
        for (auto& [name, text] : settings) {
            if (name == "model") {
                text = modelName(text);
                continue;
            }
            const pipelines::Parameter& parameter = *pipelines::findImageParameter(name);
            pipelines::ImageRequest request;
            pipelines::setFromText(request, parameter, text);
            core::keepAsAssets(request, parameter, assetsOf(paths), {});
            text = pipelines::toText(request, parameter).value_or(text);
        }
        return settings;
    }

    std::string freeName(const ProjectDocument& project, const std::string& wanted) const {
        std::set<std::string> taken;
        for (const core::ProjectBatch& batch : project.batches()) taken.insert(batch.name);
        std::string name = wanted;
        for (int i = 2; taken.contains(name); ++i) name = wanted + "-" + std::to_string(i);
        return name;
    }

    int64_t seed() {
        if (!m_arguments.has("seed")) return QRandomGenerator::system()->generate();
        return m_arguments.integer("seed", 0, 0, kMostSeed);
    }

    void addTable(ProjectDocument& project, const core::ProjectPaths& paths, const fs::path& file,
                  std::vector<std::pair<std::string, std::string>> settings) {
        const core::BatchTable table = orThrow(core::readBatchTable(file));
        core::BatchOptions options;
        options.name = freeName(project, m_arguments.value("name").value_or(file.stem().string()));
        options.settings = std::move(settings);
        for (const std::string& axis : m_arguments.values("grid"))
            options.grid.push_back(orThrow(core::parseGridAxis(axis)));
        if (m_arguments.has("all-choices")) options.choices = core::PromptChoices::All;
        options.files = file.parent_path();
        options.wildcards =
            m_arguments.value("wildcards").value_or((file.parent_path() / "wildcards").string());
        options.seed = seed();
        constexpr int64_t kMostCount = 10'000;
        const ordered_json& json = project.json();
        const int64_t usual =
            json.contains("settings") ? json["settings"].value("count", int64_t{1}) : 1;
        options.count = m_arguments.integer("count", usual, 1, kMostCount);
        for (const auto& [name, text] : projectSettings(project))
            pipelines::setFromText(options.projectSettings, *pipelines::findImageParameter(name),
                                   text);
        orThrow(project.addBatch(orThrow(core::expandBatch(table, options, assetsOf(paths)))));
        checkLastBatch(project);
        m_console.detail("Choices and seeds were drawn from " + std::to_string(options.seed) + ".");
    }

    // What no run would take is refused now, not in the night.
    static void checkLastBatch(const ProjectDocument& project) {
        const core::ProjectBatch batch = project.batches().back();
        for (int64_t task = batch.firstTask; task < batch.firstTask + batch.tasks; ++task) {
            try {
                pipelines::checkSteeringPictures(orThrow(project.task(task)).request);
            } catch (const Error& error) {
                throw Error(error.code(),
                            "Picture " + std::to_string(task - batch.firstTask + 1) + " of " +
                                printable(batch.name) + ": " + error.message(),
                            "In a table the columns control-image and adapter-image name them.");
            }
        }
    }

    static std::vector<std::pair<std::string, std::string>>
    projectSettings(const ProjectDocument& project) {
        std::vector<std::pair<std::string, std::string>> settings;
        const ordered_json& json = project.json();
        const auto found = json.find("settings");
        if (found == json.end()) return settings;
        for (const char* name : {"prompt", "negative"})
            if (found->contains(name)) settings.emplace_back(name, (*found)[name]);
        return settings;
    }

    void addPictures(ProjectDocument& project, const std::vector<core::ImportedPicture>& pictures) {
        const std::string name = freeName(project, m_arguments.value("name").value_or("imported"));
        orThrow(project.addBatch(core::importedBatch(name, pictures, seed())));
        for (const core::ImportedPicture& picture : pictures) {
            ordered_json others = ordered_json::array();
            std::string text;
            for (const auto& [key, value] : picture.others) {
                others.push_back({{"name", key}, {"value", value}});
                text += (text.empty() ? "" : "; ") + printable(key) + ": " + printable(value);
            }
            m_imported.push_back({{"file", picture.file},
                                  {"madeWith", picture.madeWith},
                                  {"others", std::move(others)}});
            if (!text.empty())
                m_console.remark(picture.file + ": without an equal here, and left out: " + text);
        }
    }

    // The models by their hashes, so that another machine knows them.
    void noteModels(ProjectDocument& project) const {
        std::set<std::string> names;
        for (int64_t task = 0; task < project.taskCount(); ++task)
            names.insert(orThrow(project.task(task)).request.model);
        for (const std::string& name : names) {
            const auto entry = m_context.program.library.find(name);
            if (!entry) {
                m_console.warning("The model " + printable(name) +
                                  " is not here: " + entry.error().message());
                continue;
            }
            orThrow(
                project.setModelHash(entry->name, orThrow(m_context.program.library.hash(*entry))));
        }
    }

    int finish(ProjectDocument& project, const core::ProjectPaths& paths,
               ProjectDocument::Overwrite overwrite) {
        for (const std::string& warning : project.warnings()) m_console.warning(warning);
        const bool dryRun = m_arguments.has("dry-run");
        if (!dryRun) {
            noteModels(project);
            orThrow(project.save(paths.project, overwrite));
        }
        ordered_json batches = ordered_json::array();
        for (const core::ProjectBatch& batch : project.batches())
            batches.push_back(
                {{"name", batch.name}, {"firstTask", batch.firstTask}, {"tasks", batch.tasks}});
        m_console.event({{"event", "project"},
                         {"action", m_arguments.positional[0]},
                         {"file", paths.project.string()},
                         {"saved", !dryRun},
                         {"tasks", project.taskCount()},
                         {"batches", std::move(batches)},
                         {"imported", m_imported}});
        if (dryRun)
            m_console.data(firstTasks(project));
        else
            m_console.data(paths.project.string());
        const size_t batchCount = project.batches().size();
        m_console.remark(std::to_string(project.taskCount()) + " tasks in " +
                         std::to_string(batchCount) + (batchCount == 1 ? " batch." : " batches.") +
                         (dryRun ? " Nothing was saved."
                                 : " kinora render " + paths.project.string() + " makes them."));
        return kExitDone;
    }

    static std::string firstTasks(const ProjectDocument& project) {
        TextTable table({"TASK", "BATCH", "SEED", "PROMPT"});
        const int64_t shown =
            std::min<int64_t>(project.taskCount(), static_cast<int64_t>(kShownTasks));
        for (int64_t i = 0; i < shown; ++i) {
            const core::ProjectTask task = orThrow(project.task(i));
            table.addRow({std::to_string(i), printable(task.batch),
                          std::to_string(task.request.seed.value_or(0)),
                          printable(task.request.prompt)});
        }
        std::string text = table.text();
        if (shown < project.taskCount())
            text += "and " + std::to_string(project.taskCount() - shown) + " more\n";
        return text;
    }

    const CommandContext& m_context;
    Console& m_console;
    const Arguments& m_arguments;
    ordered_json m_imported = ordered_json::array();
};

} // namespace

int runProjectCommand(const CommandContext& context) {
    ProjectCommand command(context);
    const std::string& action = context.arguments.positional.at(0);
    if (action == "batch") return command.makeFromTable();
    if (action == "pack") return command.pack();
    if (action == "unpack") return command.unpack();
    if (action == "rate") return command.rate();
    return command.add();
}

} // namespace kinora::app
