#include "core/library/model_folders.h"
#include "core/library/model_library.h"
#include "tests/support/temporary_folder.h"

#include <QTest>

#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>

using namespace kinora;
using namespace kinora::core;
namespace fs = std::filesystem;

using Folders = std::vector<fs::path>;

class ModelFoldersTest : public QObject {
    Q_OBJECT

    test::TemporaryFolder m_folder;
    fs::path m_data = m_folder.path() / "data";

    fs::path made(const char* name) {
        fs::create_directories(m_folder.path() / name);
        return m_folder.path() / name;
    }

  private slots:
    void init() { fs::remove_all(m_data); }

    void remembersInOrderAndOnce() {
        const fs::path one = made("one"), two = made("two models");
        QVERIFY(addedModelFolders(m_data).empty());
        QVERIFY(addModelFolder(m_data, two));
        QVERIFY(addModelFolder(m_data, one / "."));
        QVERIFY(addModelFolder(m_data, two.string() + "/"));
        QVERIFY(addedModelFolders(m_data) == (Folders{two, one}));
        fs::remove(one); // a disk that is away
        QVERIFY(addedModelFolders(m_data) == (Folders{two, one}));
        QVERIFY(removeModelFolder(m_data, two));
        QVERIFY(addedModelFolders(m_data) == (Folders{one}));
        QVERIFY(fs::exists(two));
    }

    void refusesWhatIsNoFolder() {
        const fs::path file = m_folder.write("a file", "x");
        QCOMPARE(addModelFolder(m_data, file).error().code(), ErrorCode::InvalidArgument);
        QCOMPARE(addModelFolder(m_data, m_folder.path() / "none").error().code(),
                 ErrorCode::NotFound);
        QCOMPARE(addModelFolder(m_data, made("\xff")).error().code(), ErrorCode::InvalidArgument);
        QCOMPARE(removeModelFolder(m_data, file).error().code(), ErrorCode::NotFound);
        QVERIFY(!fs::exists(m_data));
    }

    void refusesWhatNobodyMeans() {
        for (const char* folder : {"/", "/proc", "/proc/self", "/proc/self/root", "/dev/.."})
            QCOMPARE(addModelFolder(m_data, folder).error().code(), ErrorCode::InvalidArgument);
        QVERIFY(!isOfSystem("/process"));
        QVERIFY(!isOfSystem("/dev/shm/models")); // a disk in memory
        QVERIFY(!fs::exists(m_data));
        fs::create_directory_symlink("/proc", made("linked") / "all");
        const ModelLibrary library({.folders = {m_folder.path() / "linked"}, .dataFolder = m_data});
        QVERIFY(library.filesBeside().empty());
    }

    void keepsWhatIsGoodOfAnEditedFile_data() {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<int>("folders");
        QTest::newRow("empty") << QByteArray() << 0;
        QTest::newRow("not folders") << QByteArray("{'folders': [1, null, 'a', '', {}]}") << 0;
        QTest::newRow("zero byte") << QByteArray("{\"folders\": [\"/a\\u0000b\"]}") << 0;
        QTest::newRow("one good, twice") << QByteArray("{'folders': [7, '/a', '/b/../a/']}") << 1;
    }
    void keepsWhatIsGoodOfAnEditedFile() {
        QFETCH(QByteArray, text);
        QFETCH(int, folders);
        text.replace('\'', '"');
        m_folder.write("data/model-folders.json", text.toStdString());
        QCOMPARE(addedModelFolders(m_data).size(), static_cast<size_t>(folders));
        QVERIFY(addModelFolder(m_data, made("one")));
        QCOMPARE(addedModelFolders(m_data).size(), static_cast<size_t>(folders + 1));
        QCOMPARE(removeModelFolder(m_data, "/a").ok(), folders == 1); // as it is listed
    }

    void aDamagedFileIsNotWrittenOver_data() {
        QTest::addColumn<QByteArray>("text");
        QTest::newRow("cut short") << QByteArray("{\"folders\": [\"/a");
        QTest::newRow("a list") << QByteArray("[\"/a\"]");
        QTest::newRow("another version's") << QByteArray("{\"folders\": {\"/a\": 1}}");
        QTest::newRow("deep") << QByteArray(100'000, '[');
        QTest::newRow("too long") << QByteArray(2 << 20, ' ');
    }
    void aDamagedFileIsNotWrittenOver() {
        QFETCH(QByteArray, text);
        const fs::path file = m_folder.write("data/model-folders.json", text.toStdString());
        QVERIFY(addedModelFolders(m_data).empty());
        for (const Result<void>& result :
             {addModelFolder(m_data, made("one")), removeModelFolder(m_data, "/a")}) {
            QCOMPARE(result.error().code(), ErrorCode::BadFile);
            QVERIFY(result.error().message().find(file.string()) != std::string::npos);
        }
        std::ifstream stream(file, std::ios::binary);
        QVERIFY(std::string(std::istreambuf_iterator<char>(stream), {}) == text.toStdString());
    }

    void nothingIsLostWhereSeveralAddAtOnce() {
        constexpr int kAdding = 4, kEach = 10;
        std::vector<std::jthread> threads; // locks of open files keep threads apart as processes
        for (int i = 0; i < kAdding; ++i)
            threads.emplace_back([this, i] {
                for (int j = 0; j < kEach; ++j) {
                    const fs::path folder = made(std::to_string(i * kEach + j).c_str());
                    for (Result<void> done = addModelFolder(m_data, folder);
                         !done && done.error().code() == ErrorCode::Busy;) // a slow machine
                        done = addModelFolder(m_data, folder);
                }
            });
        threads.clear();
        QCOMPARE(addedModelFolders(m_data).size(), size_t{kAdding * kEach});
        const fs::directory_iterator files(m_data);
        QCOMPARE(std::distance(begin(files), end(files)), 1); // the list, and nothing beside it
    }

    void removesWhatAKilledProcessLeft() {
        const fs::path left = m_folder.write("data/.kinora-0123456789abcdef.tmp", "{");
        fs::last_write_time(left, fs::file_time_type::clock::now() - std::chrono::hours(2));
        QVERIFY(addModelFolder(m_data, made("one")));
        QVERIFY(!fs::exists(left));
    }

    void listsLookThere() {
        const fs::path golden = fs::path(KINORA_SOURCE_DIR) / "tests/golden/data";
        const fs::path lora = made("A1111/models/Lora") / "ink.safetensors";
        fs::copy_file(golden / "loras/loha.safetensors", lora);
        fs::copy(golden / "tiny-sd1", made("A1111/models/Stable-diffusion") / "tiny",
                 fs::copy_options::recursive);
        const ModelLibrary library({.folders = {}, .dataFolder = m_data});
        QVERIFY(!library.find("tiny"));
        QVERIFY(library.companions().empty());
        QVERIFY(addModelFolder(m_data, m_folder.path() / "A1111"));
        QVERIFY(library.find("tiny").ok());
        QCOMPARE(library.companions().size(), size_t{1});
        QVERIFY(library.findCompanion(CompanionKind::Lora, "ink").ok());
        QVERIFY(removeModelFolder(m_data, m_folder.path() / "A1111"));
        QVERIFY(!library.find("tiny"));
    }
};

QTEST_GUILESS_MAIN(ModelFoldersTest)
#include "model_folders_test.moc"
