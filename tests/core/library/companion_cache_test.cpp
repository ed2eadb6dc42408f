#include "core/library/companion_cache.h"
#include "core/library/file_stamp.h"
#include "core/library/model_library.h"
#include "tests/support/temporary_folder.h"

#include <QTest>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>

using namespace kinora;
using namespace kinora::core;
namespace fs = std::filesystem;

namespace {

const fs::path kGolden = fs::path(KINORA_SOURCE_DIR) / "tests/golden/data";

std::string contentOf(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// Texts of JSON are written with single quotes here.
std::string json(std::string text) {
    std::ranges::replace(text, '\'', '"');
    return text;
}

void replaceIn(const fs::path& path, const std::string& what, const std::string& by) {
    std::string text = contentOf(path);
    text.replace(text.find(what), what.size(), json(by));
    std::ofstream(path, std::ios::binary) << text;
}

std::string kindIn(const fs::path& cacheFile, const fs::path& file) {
    const auto info = CompanionCache(cacheFile).known(file);
    return info ? info->kind : "";
}

} // namespace

class CompanionCacheTest : public QObject {
    Q_OBJECT

    test::TemporaryFolder m_folder;
    fs::path m_cache = m_folder.path() / "deep/er/companions.json";

    // As if it had been there for an hour.
    fs::path copyOf(const char* golden, const char* name) {
        const fs::path path = m_folder.path() / name;
        fs::create_directories(path.parent_path());
        fs::copy_file(kGolden / golden, path, fs::copy_options::overwrite_existing);
        fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
        return path;
    }
    void readAndSave(const std::vector<fs::path>& files) {
        CompanionCache cache(m_cache);
        cache.read(files);
        cache.save();
    }

  private slots:
    void init() { fs::remove_all(m_cache.parent_path()); }

    void tellsWhatTheReadersTell() {
        std::vector<fs::path> files = {copyOf("loras/loha.safetensors", "a.safetensors"),
                                       copyOf("tiny-autoencoders/taesd/taesd_decoder.pth", "t.pth"),
                                       copyOf("tiny-sd1.safetensors", "model.safetensors")};
        for (int i = 0; i < 60; ++i) // enough for several threads
            files.push_back(copyOf("loras/kohya.safetensors",
                                   ("many/" + std::to_string(i) + ".safetensors").c_str()));
        CompanionCache cache(m_cache);
        cache.read(files);
        for (const fs::path& file : files) {
            const auto expected = readCompanionInfo(file), told = cache.known(file);
            QCOMPARE(told.has_value(), expected.has_value());
            if (!told) continue;
            QCOMPARE(told->kind, expected->kind);
            QCOMPARE(told->name, expected->name);
            QCOMPARE(told->path, expected->path);
            QCOMPARE(told->sizeBytes, expected->sizeBytes);
            QVERIFY(told->triggerWords == expected->triggerWords);
        }
    }

    void remembersAcrossRunsAndSeesChanges() {
        const fs::path lora = copyOf("loras/loha.safetensors", "a.safetensors");
        readAndSave({lora});
        QCOMPARE(kindIn(m_cache, lora), std::string("LoHa"));
        // What the cache says is believed: so nothing was opened.
        replaceIn(m_cache, "LoHa", "Believed");
        readAndSave({lora});
        QCOMPARE(kindIn(m_cache, lora), std::string("Believed"));
        copyOf("loras/lokr.safetensors", "a.safetensors");
        QCOMPARE(kindIn(m_cache, lora), std::string()); // another file now
        readAndSave({lora});
        QCOMPARE(kindIn(m_cache, lora), std::string("LoKr"));
    }

    void remembersWhatIsNothingOfTheKind() {
        const fs::path model = copyOf("tiny-sd1.safetensors", "m.safetensors");
        readAndSave({model});
        replaceIn(m_cache, "null", "['Believed','','','',[]]");
        readAndSave({model});
        QCOMPARE(kindIn(m_cache, model), std::string("Believed"));
    }

    void doesNotKeepWhatFilesBesideItDecide() {
        const fs::path vae = copyOf("tiny-sd1/vae/diffusion_pytorch_model.safetensors",
                                    "v/diffusion_pytorch_model.safetensors");
        const fs::path gone = m_folder.path() / "gone.safetensors";
        CompanionCache cache(m_cache);
        cache.read(std::vector{vae, gone});
        cache.save();
        QCOMPARE(cache.known(vae)->kind, std::string("VAE"));
        QVERIFY(!fs::exists(m_cache)); // there was nothing to write
    }

    void looksAgainForTheEncoderBesideADecoder() {
        const fs::path decoder = copyOf("tiny-autoencoders/taesd/taesd_decoder.pth", "decoder.pth");
        m_folder.write("encoder.pth", "on its way");
        readAndSave({decoder});
        QCOMPARE(kindIn(m_cache, decoder), std::string());
        copyOf("tiny-autoencoders/taesd/taesd_encoder.pth", "encoder.pth");
        CompanionCache cache(m_cache);
        cache.read(std::vector{decoder});
        QCOMPARE(cache.known(decoder)->kind, std::string("TAESD"));
    }

    // In place, of the same size and within one step of the file system's clock.
    void seesAChangeThatTheStampDoesNot() {
        const fs::path lora = copyOf("loras/loha.safetensors", "a.safetensors");
        const auto now = fs::file_time_type::clock::now();
        fs::last_write_time(lora, now);
        const std::string stamp = fileStamp(lora);
        readAndSave({lora});
        m_folder.write("a.safetensors", std::string(fs::file_size(lora), 'x'));
        fs::last_write_time(lora, now);
        QCOMPARE(fileStamp(lora), stamp);
        readAndSave({lora});
        QCOMPARE(kindIn(m_cache, lora), std::string());
    }

    void startsAnewFromADamagedCache_data() {
        QTest::addColumn<QByteArray>("text");
        QTest::newRow("empty") << QByteArray();
        QTest::newRow("cut short") << QByteArray("{'format':1,'files':{'/a");
        QTest::newRow("a list") << QByteArray("[1]");
        QTest::newRow("another format") << QByteArray("{'format':2,'files':{'FILE':IS}}");
        QTest::newRow("no format") << QByteArray("{'files':{'FILE':IS}}");
        QTest::newRow("wrong values") << QByteArray("{'format':1,'files':{'FILE':7}}");
        QTest::newRow("a number as kind")
            << QByteArray("{'format':1,'files':{'FILE':{'stamp':'STAMP','is':[1,'','','',[]]}}}");
        QTest::newRow("no words") << QByteArray(
            "{'format':1,'files':{'FILE':{'stamp':'STAMP','is':['X','','','']}}}");
        QTest::newRow("too many words")
            << QByteArray("{'format':1,'files':{'FILE':{'stamp':'STAMP','is':['X','','','',[") +
                   QByteArray("'w',").repeated(100) + QByteArray("'w']]}}}");
        QTest::newRow("deep") << QByteArray(100'000, '[');
    }
    void startsAnewFromADamagedCache() {
        QFETCH(QByteArray, text);
        const fs::path lora = copyOf("loras/loha.safetensors", "a.safetensors");
        text.replace("IS", "{'stamp':'STAMP','is':['X','','','',[]]}");
        text.replace("FILE", lora.c_str());
        text.replace("STAMP", fileStamp(lora).c_str());
        fs::create_directories(m_cache.parent_path());
        std::ofstream(m_cache, std::ios::binary) << json(text.toStdString());
        QCOMPARE(kindIn(m_cache, lora), std::string());
        readAndSave({lora});
        QCOMPARE(kindIn(m_cache, lora), std::string("LoHa"));
    }

    void believesAWholeEntry() { // what the rows above differ from
        const fs::path lora = copyOf("loras/loha.safetensors", "a.safetensors");
        fs::create_directories(m_cache.parent_path());
        std::ofstream(m_cache) << json("{'format':1,'files':{'" + lora.string() + "':{'stamp':'" +
                                       fileStamp(lora) + "','is':['X','f','t','l',['w']]}}}");
        const auto info = CompanionCache(m_cache).known(lora);
        QVERIFY(info.has_value());
        QCOMPARE(info->kind, std::string("X"));
        QCOMPARE(info->title, std::string("t"));
        QCOMPARE(info->triggerWords.front(), std::string("w"));
    }

    void keepsWhatAnotherProgramWroteMeanwhile() {
        const fs::path one = copyOf("loras/loha.safetensors", "1.safetensors");
        const fs::path two = copyOf("loras/lokr.safetensors", "2.safetensors");
        CompanionCache first(m_cache), second(m_cache);
        first.read(std::vector{one});
        second.read(std::vector{two});
        first.save();
        second.save();
        QCOMPARE(kindIn(m_cache, one), std::string("LoHa"));
        QCOMPARE(kindIn(m_cache, two), std::string("LoKr"));
    }

    void listsReadEachFileOnce() {
        const fs::path models = m_folder.path() / "studio";
        copyOf("loras/loha.safetensors", "studio/models/Lora/a.safetensors");
        copyOf("loras/lokr.safetensors", "studio/among-models.safetensors");
        const fs::path data = m_folder.path() / "data";
        const ModelLibrary library({.folders = {models}, .dataFolder = data});
        std::vector<ModelEntry> others;
        (void)library.list(&others);
        QVERIFY(others.empty());
        QCOMPARE(library.companions().size(), size_t{2});
        replaceIn(data / "cache/companions.json", "LoHa", "Believed");
        const auto again = library.companions();
        QVERIFY(again[0].kind == "Believed" || again[1].kind == "Believed");
    }
};

QTEST_GUILESS_MAIN(CompanionCacheTest)
#include "companion_cache_test.moc"
