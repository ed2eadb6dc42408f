#include "core/library/weights_info.h"

#include <QTemporaryDir>
#include <QTest>

#include <fstream>

using namespace kinora;
using namespace kinora::core;

namespace {

std::string withLength(const std::string& header, const std::string& data) {
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i));
    return bytes + header + data;
}

} // namespace

class WeightsInfoTest : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    std::filesystem::path write(const std::string& bytes) {
        const auto path = std::filesystem::path(m_folder.path().toStdString()) / "x.safetensors";
        std::ofstream(path, std::ios::binary) << bytes;
        return path;
    }

  private slots:
    void countsTensorsAndParameters() {
        const auto path = write(
            withLength(R"({"lora_a.weight":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]},)"
                       R"("bias":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}})",
                       std::string(20, '\0')));
        QVERIFY(looksLikeSafetensors(path));
        const Result<WeightsInfo> info = readWeightsInfo(path);
        QVERIFY2(info.ok(), info ? "" : info.error().what());
        QCOMPARE(info->parameters, uint64_t{8});
        QCOMPARE(info->architecture, std::string("LoRA"));
        QCOMPARE(info->tensors.size(), size_t{2});
        QCOMPARE(info->tensors[0].name, std::string("bias"));
        QCOMPARE(info->tensors[1].shape, (std::vector<int64_t>{2, 3}));
        QCOMPARE(info->dtypeCounts.at("f16"), int64_t{1});
    }

    void refusesWhatIsBroken_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::newRow("empty") << QByteArray();
        QTest::newRow("short") << QByteArray("abc");
        QTest::newRow("header past the end") << QByteArray("\xff\0\0\0\0\0\0\0{}", 10);
        QTest::newRow("huge header") << QByteArray("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10);
        QTest::newRow("not json") << QByteArray("\2\0\0\0\0\0\0\0{]", 10);
    }
    void refusesWhatIsBroken() {
        QFETCH(QByteArray, bytes);
        const Result<WeightsInfo> info = readWeightsInfo(write(bytes.toStdString()));
        QVERIFY(!info.ok());
        QVERIFY(info.error().code() == ErrorCode::BadFile);
    }

    void tellsWeightsFromOtherFiles() {
        QVERIFY(!looksLikeSafetensors(write("\x89PNG\r\n\x1a\n\0\0\0\rIHDR")));
        QVERIFY(!looksLikeSafetensors(write("")));
        QVERIFY(!looksLikeSafetensors("/dev/zero"));
        QVERIFY(!looksLikeSafetensors("/no/such/file"));
    }
};

QTEST_GUILESS_MAIN(WeightsInfoTest)
#include "weights_info_test.moc"
