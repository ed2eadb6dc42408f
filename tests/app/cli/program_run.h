#pragma once
// Runs the real program in a home of its own, as a person or a script does.
//
//     Home home;
//     const Run run = home.run({"image", "--prompt", "a fox"});
//     run.code, run.out, run.err

#include "tests/app/cli/event_schema.h"

#include <QDir>
#include <QProcess>
#include <QProcessEnvironment>
#include <QTemporaryDir>

#include <functional>
#include <vector>

namespace kinora::app {

struct Run {
    int code = -1; // -1: it crashed or did not end
    QByteArray out, err;

    // The lines of --json output.
    std::vector<nlohmann::json> events() const {
        std::vector<nlohmann::json> list;
        for (const QByteArray& line : out.split('\n'))
            if (!line.isEmpty())
                list.push_back(nlohmann::json::parse(line.toStdString(), nullptr, false));
        return list;
    }
    // The last event of that name; null where there is none.
    nlohmann::json event(const std::string& name) const {
        nlohmann::json found;
        for (const auto& event : events())
            if (event.is_object() && event.value("event", "") == name) found = event;
        return found;
    }
    // Empty where every line agrees with the schema.
    QString schemaBreach() const {
        for (const QByteArray& line : out.split('\n'))
            if (!line.isEmpty())
                if (auto found = eventDisagreement(line.toStdString()); !found.empty())
                    return QString::fromStdString(found);
        return {};
    }
    bool errHas(const char* part) const { return err.contains(part); }
};

class Home {
  public:
    QString path(const QString& name) const { return m_folder.filePath(name); }
    // Names of the files below the home but for the data folder's caches.
    QStringList files() const {
        QStringList names;
        const QDir home(m_folder.path());
        std::function<void(const QString&)> list = [&](const QString& below) {
            const auto kinds = QDir::Files | QDir::Dirs | QDir::Hidden | QDir::NoDotAndDotDot;
            for (const QFileInfo& entry : QDir(below).entryInfoList(kinds, QDir::Name)) {
                if (entry.fileName() == u".local" || entry.fileName() == u".cache") continue;
                if (entry.isDir())
                    list(entry.filePath());
                else
                    names << home.relativeFilePath(entry.filePath());
            }
        };
        list(m_folder.path());
        return names;
    }

    QProcessEnvironment environment() const {
        QProcessEnvironment variables = QProcessEnvironment::systemEnvironment();
        for (const char* name : {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "XDG_DATA_HOME",
                                 "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "KINORA_MODELS"})
            variables.remove(QString::fromLatin1(name));
        variables.insert(QStringLiteral("HOME"), m_folder.path());
        return variables;
    }

    static QString program() { return QStringLiteral(KINORA_BINARY_DIR "/bin/kinora"); }

    void start(QProcess& process, const QStringList& arguments) const {
        process.setProcessEnvironment(environment());
        process.setWorkingDirectory(m_folder.path());
        process.start(program(), arguments);
    }

    Run run(const QStringList& arguments, const QByteArray& input = {}) const {
        QProcess process;
        start(process, arguments);
        process.write(input);
        process.closeWriteChannel();
        return finish(process);
    }

    // The program within a line of bash, as "$K": for limits, pipes and closed descriptors.
    Run shell(const QString& line) const {
        QProcess process;
        QProcessEnvironment variables = environment();
        variables.insert(QStringLiteral("K"), program());
        process.setProcessEnvironment(variables);
        process.setWorkingDirectory(m_folder.path());
        process.start(QStringLiteral("bash"), {QStringLiteral("-c"), line});
        return finish(process);
    }

    static Run finish(QProcess& process) {
        constexpr int kLongest = 120'000; // a sanitizer's build is slow
        Run run;
        const bool ended = process.waitForFinished(kLongest);
        if (ended && process.exitStatus() == QProcess::NormalExit) run.code = process.exitCode();
        run.out = process.readAllStandardOutput();
        run.err = process.readAllStandardError();
        return run;
    }

  private:
    QTemporaryDir m_folder;
};

} // namespace kinora::app
