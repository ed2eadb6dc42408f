#include "core/engine/worker/runtime_folder.h"

#include <QTemporaryDir>
#include <QTest>

#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace kinora;
using namespace kinora::core;
namespace fs = std::filesystem;

class RuntimeFolderTest : public QObject {
    Q_OBJECT

  private slots:
    void isOursAlone() {
        qputenv("XDG_RUNTIME_DIR", m_folder.path().toUtf8());
        const Result<fs::path> folder = runtimeFolder();
        QVERIFY(folder.ok());
        QCOMPARE(folder->parent_path(), root());
        struct stat status{};
        QVERIFY(::stat(folder->c_str(), &status) == 0);
        QCOMPARE(status.st_mode & 0777, 0700u);
        QVERIFY(runtimeFolder().ok()); // it is there already
    }

    void isBelowTmpWhereTheSystemHasNone() {
        for (const char* variable : {"", "relative", "/nothing/of/that/name"}) {
            qputenv("XDG_RUNTIME_DIR", variable);
            const Result<fs::path> folder = runtimeFolder();
            QVERIFY(folder.ok());
            QCOMPARE(*folder, fs::path("/tmp/kinora-" + std::to_string(::geteuid())));
        }
    }

    void isBelowTmpWhereASocketWouldNotFit() {
        const fs::path folder = root() / std::string(90, 'x');
        fs::create_directory(folder);
        qputenv("XDG_RUNTIME_DIR", folder.c_str());
        const Result<fs::path> chosen = runtimeFolder();
        QVERIFY(chosen.ok());
        QCOMPARE(*chosen, fs::path("/tmp/kinora-" + std::to_string(::geteuid())));
    }

    void refusesFoldersThatOthersReach() {
        fs::create_directory(root() / "open");
        fs::permissions(root() / "open", fs::perms::owner_all | fs::perms::group_read);
        QVERIFY(!privateFolder(root(), "open"));
        fs::create_directory(root() / "own");
        fs::permissions(root() / "own", fs::perms::owner_all);
        fs::create_directory_symlink(root() / "own", root() / "link");
        QVERIFY(privateFolder(root(), "own").ok());
        const Result<fs::path> link = privateFolder(root(), "link");
        QVERIFY(!link);
        QVERIFY(link.error().message().find("is not a folder") != std::string::npos);
        std::ofstream(root() / "file") << "x";
        QVERIFY(!privateFolder(root(), "file"));
        QVERIFY(!privateFolder(root() / "missing", "x"));
        if (::geteuid() != 0) QSKIP("only root can give a folder to another user");
        fs::create_directory(root() / "theirs");
        fs::permissions(root() / "theirs", fs::perms::owner_all);
        QVERIFY(::chown((root() / "theirs").c_str(), 12345, 12345) == 0);
        QVERIFY(!privateFolder(root(), "theirs"));
    }

    void removesTheSocketsOfStudiosThatAreGone() {
        const std::string ours = "worker-" + std::to_string(::getpid()) + "-1";
        for (const std::string& name :
             {std::string("worker-999999999-3"), ours, std::string("other-999999999-3")})
            std::ofstream(root() / name) << "";
        removeStaleSockets(root());
        QVERIFY(!fs::exists(root() / "worker-999999999-3"));
        QVERIFY(fs::exists(root() / ours));
        QVERIFY(fs::exists(root() / "other-999999999-3"));
    }

  private:
    fs::path root() const { return m_folder.path().toStdString(); }
    QTemporaryDir m_folder;
};

QTEST_GUILESS_MAIN(RuntimeFolderTest)
#include "runtime_folder_test.moc"
