// What a killed process left goes, once it is old; nothing else does.
#include "core/media/old_temporaries.h"
#include "kernels/base/atomic_file.h"
#include "tests/support/temporary_folder.h"

#include <QTest>

#include <fstream>
#include <set>
#include <string>

using namespace kinora;

namespace fs = std::filesystem;

class OldTemporariesTest : public QObject {
    Q_OBJECT

    test::TemporaryFolder m_folder;

    fs::path file(const std::string& name, int minutesOld) {
        const fs::path path = m_folder.path() / name;
        fs::create_directories(path.parent_path());
        std::ofstream(path) << "half";
        age(path, minutesOld);
        return path;
    }
    static void age(const fs::path& path, int minutes) {
        fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::minutes(minutes));
    }
    std::set<std::string> names() const {
        std::set<std::string> found;
        for (const auto& entry : fs::directory_iterator(m_folder.path()))
            found.insert(entry.path().filename().string());
        return found;
    }

  private slots:
    void onlyWhatIsOldAndOursGoes() {
        const std::set<std::string> kept{
            ".kinora-0123456789abcdef.tm",
            ".kinora-0123456789abcdeg.tmp",
            ".kinora-0123456789abcdef-12-0.tmp", // of a queue: it may go on from it
            ".kinora-notes.tmp",
            "mine.tmp",
            "fox.png"};
        for (const std::string& name : kept) file(name, 300);
        file(".kinora-0123456789abcdef.tmp", 300);
        file(".kinora-fedcba9876543210.tmp", 30); // somebody writes it perhaps
        file(".kinora-pack-AbC123/pack.zip", 300);
        file(".kinora-unpack-AbC123/a/b.png", 300);
        file(".kinora-unpack-young1/a/b.png", 30);
        for (const char* folder : {".kinora-pack-AbC123", ".kinora-unpack-AbC123/a",
                                   ".kinora-unpack-AbC123", ".kinora-unpack-young1"})
            age(m_folder.path() / folder, 300);
        core::removeOldTemporaries(m_folder.path());
        std::set<std::string> expected = kept;
        expected.insert({".kinora-fedcba9876543210.tmp", ".kinora-unpack-young1"});
        QVERIFY(names() == expected);
    }

    void knowsWhatAtomicFilesAreCalled() {
        const fs::path folder = m_folder.path() / "real";
        fs::create_directory(folder);
        AtomicFile writing(folder / "a.png", "a.png");
        for (const auto& entry : fs::directory_iterator(folder)) age(entry.path(), 300);
        core::removeOldTemporaries(folder);
        QVERIFY(fs::is_empty(folder));
    }

    void aFolderThatIsNotThereIsNoTrouble() {
        core::removeOldTemporaries(m_folder.path() / "nowhere");
        QVERIFY(!fs::exists(m_folder.path() / "nowhere"));
    }
};

QTEST_GUILESS_MAIN(OldTemporariesTest)
#include "old_temporaries_test.moc"
