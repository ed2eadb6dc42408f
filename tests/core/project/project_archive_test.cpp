#include "core/project/asset_store.h"
#include "core/project/project_archive.h"
#include "core/project/project_document.h"
#include "tests/support/temporary_folder.h"

#include <QTest>
#include <nlohmann/json.hpp>

#include <fstream>
#include <sstream>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>
#include <zip.h>

using namespace kinora;
using namespace kinora::core;

namespace fs = std::filesystem;

namespace {

std::string contentOf(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

struct Made {
    std::string name, content;
    zip_uint32_t attributes = 0; // of Unix, with the kind of file
};

fs::path zipOf(const fs::path& path, const std::vector<Made>& entries) {
    int code = 0;
    zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
    for (const Made& entry : entries) {
        zip_source_t* source =
            zip_source_buffer(archive, entry.content.data(), entry.content.size(), 0);
        const zip_int64_t index = zip_file_add(archive, entry.name.c_str(), source, 0);
        if (entry.attributes)
            zip_file_set_external_attributes(archive, static_cast<zip_uint64_t>(index), 0,
                                             ZIP_OPSYS_UNIX, entry.attributes << 16);
    }
    if (zip_close(archive) != 0) throw std::runtime_error("the zip could not be written");
    return path;
}

std::string projectText() {
    return ProjectDocument().text();
}

} // namespace

class ProjectArchiveTest : public QObject {
    Q_OBJECT

  private slots:
    void doesNotPackAFolderThatCannotBeReadWhole() {
        const test::TemporaryFolder folder;
        folder.write("in/p.kinora", projectText());
        folder.write("in/p.results", "a file where a folder belongs");
        const fs::path zip = folder.path() / "p.zip";
        const auto packed =
            packProject(projectPaths(folder.path() / "in/p.kinora"), zip, Overwrite::No);
        QVERIFY(!packed);
        QVERIFY(packed.error().message().find("p.results") != std::string::npos);
        QVERIFY(!fs::exists(zip));
    }

    // Each in turn missing, a link, and another file.
    void doesNotPackWithoutAnAssetThatItNeeds() {
        const test::TemporaryFolder folder;
        const ProjectPaths paths = projectPaths(folder.path() / "in/p.kinora");
        const AssetStore assets(paths.assets);
        const std::string latents = *assets.add(folder.write("n.safetensors", "abc"));
        const std::string lora = *assets.add(folder.write("l.safetensors", "abcd"));
        ProjectDocument project;
        QVERIFY(project.setSetting("latents", latents));
        QVERIFY(project.addBatch({{"name", "b"},
                                  {"rows",
                                   {{{"note", "asset:" + std::string(64, 'a')},
                                     {"request", {{"lora", {lora + ":0.5"}}}}}}}}));
        QVERIFY(project.save(paths.project, ProjectDocument::Overwrite::No));
        const fs::path zip = folder.path() / "p.zip";
        for (const std::string& reference : {latents, lora}) {
            const fs::path file = *assets.find(reference), aside = folder.path() / "aside";
            const auto isRefused = [&] {
                const auto packed = packProject(paths, zip, Overwrite::No);
                return !packed && !fs::exists(zip) &&
                       packed.error().message().find(file.filename().string()) !=
                           std::string::npos &&
                       packed.error().advice().find("pack again") != std::string::npos;
            };
            fs::rename(file, aside);
            QVERIFY(isRefused());
            fs::create_symlink(aside, file);
            QVERIFY(isRefused());
            fs::remove(file);
            folder.write("in/p.assets/" + file.filename().string(), "another");
            QVERIFY(isRefused());
            fs::rename(aside, file);
        }
        const auto packed = packProject(paths, zip, Overwrite::No);
        QVERIFY2(packed, packed ? "" : packed.error().what());
    }

    void packsAndUnpacksAll() {
        const test::TemporaryFolder folder;
        folder.write("in/p.kinora", projectText());
        folder.write("in/p.history", "{}\n");
        folder.write("in/p.assets/aa.safetensors", std::string(100'000, 'a'));
        folder.write("in/p.results/1.png", "picture");
        folder.write("in/p.results/.kinora-render/1.png.lease", "not packed");
        folder.write("in/other.txt", "not packed");
        fs::create_symlink("/etc/passwd", folder.path() / "in/p.results/link.png");
        const ProjectPaths paths = projectPaths(folder.path() / "in/p.kinora");
        const fs::path zip = folder.path() / "p.zip";
        const auto packed = packProject(paths, zip, Overwrite::No);
        QVERIFY2(packed, packed ? "" : packed.error().what());
        QVERIFY(!packProject(paths, zip, Overwrite::No));
        const std::string bytes = contentOf(zip);
        QVERIFY(packProject(paths, zip, Overwrite::Yes));
        QVERIFY(contentOf(zip) == bytes);
        const auto unpacked = unpackProject(zip, folder.path() / "out");
        QVERIFY2(unpacked, unpacked ? "" : unpacked.error().what());
        QCOMPARE(*unpacked, folder.path() / "out" / "p.kinora");
        std::vector<std::string> names;
        for (const auto& entry : fs::recursive_directory_iterator(folder.path() / "out"))
            if (entry.is_regular_file())
                names.push_back(fs::relative(entry.path(), folder.path() / "out").string());
        std::sort(names.begin(), names.end());
        QCOMPARE(names, (std::vector<std::string>{"p.assets/aa.safetensors", "p.history",
                                                  "p.kinora", "p.results/1.png"}));
        QCOMPARE(contentOf(folder.path() / "out/p.assets/aa.safetensors"),
                 std::string(100'000, 'a'));
        QVERIFY(!unpackProject(zip, folder.path() / "out")); // it is there
    }

    void refusesWhatLeadsOutOrIsNoProject_data() {
        QTest::addColumn<QByteArray>("name");
        QTest::addColumn<quint32>("attributes");
        const auto row = [](const char* name, quint32 attributes = 0) {
            QTest::newRow(name) << QByteArray(name) << attributes;
        };
        row("../evil");
        row("/etc/evil");
        row("p.assets/../../evil");
        row("p.assets/..");
        row("a//b");
        row("./a");
        row("a\\..\\b");
        row("C:evil");
        row("a\nb");
        row("\xff\xfe");
        row("link", S_IFLNK | 0777);
        row("pipe", S_IFIFO | 0666);
        row("device", S_IFBLK | 0666);
        row("second.kinora");
    }
    void refusesWhatLeadsOutOrIsNoProject() {
        QFETCH(QByteArray, name);
        QFETCH(quint32, attributes);
        const test::TemporaryFolder folder;
        const fs::path zip =
            zipOf(folder.path() / "x.zip",
                  {{"p.kinora", projectText()}, {name.toStdString(), "x", attributes}});
        const auto unpacked = unpackProject(zip, folder.path() / "out");
        QVERIFY(!unpacked);
        QCOMPARE(unpacked.error().code(), ErrorCode::BadFile);
        // Nothing is left, inside or outside.
        std::vector<std::string> left;
        for (const auto& entry : fs::directory_iterator(folder.path()))
            left.push_back(entry.path().filename().string());
        QCOMPARE(left, std::vector<std::string>{"x.zip"});
    }

    void refusesBombsAndDamage() {
        const test::TemporaryFolder folder;
        const fs::path out = folder.path() / "out";
        const fs::path good =
            zipOf(folder.path() / "good.zip",
                  {{"p.kinora", projectText()}, {"p.results/a.png", std::string(5000, 'x')}});
        const std::string bytes = contentOf(good);
        for (size_t size = 0; size < bytes.size(); size += 7)
            QVERIFY(!unpackProject(folder.write("cut.zip", bytes.substr(0, size)), out));
        // An entry that says that it is small and is not, and the other way round.
        for (const char change : {'\x01', '\x7f'}) {
            std::string lying = bytes;
            for (size_t at = lying.find("PK\x01\x02"); at != std::string::npos;
                 at = lying.find("PK\x01\x02", at + 4))
                lying[at + 25] = change; // second byte of the size
            QVERIFY(!unpackProject(folder.write("lying.zip", lying), out));
        }
        QVERIFY(!unpackProject(zipOf(folder.path() / "none.zip", {{"a.txt", "x"}}), out));
        QVERIFY(!unpackProject(zipOf(folder.path() / "bad.zip", {{"p.kinora", "{"}}), out));
        QVERIFY(!unpackProject(zipOf(folder.path() / "deep.zip", {{"a/p.kinora", projectText()}}),
                               out));
        QVERIFY(!unpackProject(folder.path() / "missing.zip", out));
        QVERIFY(!fs::exists(out));
        QVERIFY(unpackProject(good, out));
    }

    void cancelledItLeavesNothing() {
        const test::TemporaryFolder folder;
        const fs::path zip =
            zipOf(folder.path() / "x.zip",
                  {{"p.kinora", projectText()}, {"p.results/a.png", std::string(3U << 20, 'x')}});
        CancelToken cancel;
        std::vector<double> told;
        QVERIFY_THROWS_EXCEPTION(
            Cancelled,
            (void)unpackProject(zip, folder.path() / "out", cancel, [&](double fraction) {
                told.push_back(fraction);
                if (fraction > 0.5) cancel.cancel();
            }).ok());
        QVERIFY(told.size() > 2 && told.back() < 1);
        std::vector<std::string> left;
        for (const auto& entry : fs::directory_iterator(folder.path()))
            left.push_back(entry.path().filename().string());
        QCOMPARE(left, std::vector<std::string>{"x.zip"});
        told.clear();
        QVERIFY(unpackProject(zip, folder.path() / "out", {},
                              [&](double fraction) { told.push_back(fraction); }));
        QVERIFY(std::ranges::is_sorted(told));
        QCOMPARE(told.back(), 1.0);
    }

    void whatTheDiskHasNoRoomForIsNotBegun() {
        const test::TemporaryFolder folder;
        // A megabyte of zeros each, which is a kilobyte in the archive.
        std::vector<Made> entries{{"p.kinora", projectText()}};
        for (int i = 0; i < 40; ++i)
            entries.push_back({"p.assets/" + std::to_string(i), std::string(1U << 20, '\0')});
        const fs::path archive = zipOf(folder.path() / "large.zip", entries);
        const fs::path place = folder.path() / "small";
        fs::create_directory(place);
        if (::geteuid() != 0 || ::mount("none", place.c_str(), "tmpfs", 0, "size=4m") != 0)
            QSKIP("A small disk needs the right to mount one.");
        const auto unpacked = unpackProject(archive, place / "out");
        const bool empty = fs::is_empty(place);
        QCOMPARE(::umount(place.c_str()), 0);
        QVERIFY(!unpacked && empty);
        QCOMPARE(unpacked.error().code(), ErrorCode::DiskFull);
        QVERIFY(unpacked.error().message().find("are free") != std::string::npos);
        QVERIFY(unpackProject(archive, folder.path() / "out"));
    }

    void namesAreChecked() {
        for (const char* good : {"a", "a/b.png", "p.assets/\u00e9", "a b/.c"})
            QVERIFY2(isSafeArchiveName(good), good);
        for (const char* bad : {"", "/", "a/", "..", "...", "a/..b", "a/./b"})
            QVERIFY2(!isSafeArchiveName(bad), bad);
        QVERIFY(!isSafeArchiveName(std::string(2000, 'a')));
    }
};

QTEST_GUILESS_MAIN(ProjectArchiveTest)
#include "project_archive_test.moc"
