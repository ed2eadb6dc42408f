// Pictures and files in the window: the strip, what is dropped and pasted, the clipboard.

#include "app/models/gallery_model.h"
#include "app/models/request_document.h"
#include "app/panels/compose_panel.h"
#include "app/panels/gallery_panel.h"
#include "app/panels/sections/compose_section.h"
#include "app/panels/viewer_panel.h"
#include "app/widgets/fold_section.h"
#include "app/widgets/growing_text_edit.h"
#include "app/widgets/image_canvas.h"
#include "app/widgets/notice_bar.h"
#include "app/widgets/theme.h"
#include "app/windows/main_window.h"
#include "app/windows/picture_actions.h"
#include "pipelines/request/parameters.h"
#include "tests/app/gui/studio.h"

#include <QApplication>
#include <QClipboard>
#include <QDir>
#include <QDropEvent>
#include <QFile>
#include <QGuiApplication>
#include <QMimeData>
#include <QTest>
#include <QUrl>

#include <vector>

namespace kinora::app {

using testing::Studio;

class WindowPicturesTest : public QObject {
    Q_OBJECT
    Theme m_theme;

  private slots:
    void initTestCase() { m_theme.applyTo(*qApp); }

    void deleteTakesOffTheStripAndUndoBringsBack() {
        Studio studio(m_theme);
        studio.window.generate();
        QTRY_VERIFY(studio.made(1));
        studio.window.pictureActions().remove->trigger();
        QCOMPARE(studio.window.gallery().rowCount(), 0);
        QVERIFY(studio.window.viewer().canvas()->isEmpty());
        studio.press(Qt::Key_Z, Qt::ControlModifier);
        QCOMPARE(studio.window.gallery().rowCount(), 1);
        QCOMPARE(studio.files().size(), 1); // the file was not touched
    }

    void aDroppedPictureGivesItsParameters() {
        Studio studio(m_theme);
        studio.window.document().setText(*pipelines::findImageParameter("seed"), "77");
        studio.window.document().setText(*pipelines::findImageParameter("steps"), "5");
        studio.window.generate();
        QTRY_VERIFY(studio.made(1));
        studio.window.document().setInitial({});
        QMimeData data;
        data.setUrls({QUrl::fromLocalFile(studio.pictures() + "/" + studio.files().first())});
        QDragEnterEvent enter({50, 50}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QCoreApplication::sendEvent(&studio.window, &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent drop({50, 50}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QCoreApplication::sendEvent(&studio.window, &drop);
        QTRY_VERIFY(!studio.window.compose().notice()->text().isEmpty());
        QVERIFY2(studio.prompt()->toPlainText() == "3d emoji of a red apple",
                 qPrintable(studio.window.compose().notice()->text()));
        QCOMPARE(*studio.window.document().request().seed, 77);
        QCOMPARE(*studio.window.document().request().steps, 5);
        QVERIFY(studio.window.compose().notice()->text().contains(".png"));
        studio.press(Qt::Key_Z, Qt::ControlModifier);
        QVERIFY(studio.prompt()->toPlainText().isEmpty());
    }

    void aDroppedLoraOrNetIsUsedWhereItLies() {
        Studio studio(m_theme);
        const QString golden = QStringLiteral(KINORA_SOURCE_DIR "/tests/golden/data/");
        const auto drop = [&](const QString& file) {
            QMimeData data;
            data.setUrls({QUrl::fromLocalFile(file)});
            QDragEnterEvent enter({50, 50}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
            QCoreApplication::sendEvent(&studio.window, &enter);
            QVERIFY(enter.isAccepted());
            QDropEvent event({50, 50}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
            QCoreApplication::sendEvent(&studio.window, &event);
        };
        const pipelines::ImageRequest& request = studio.window.document().request();
        const QString models = studio.folder.path() + "/models/Lora";
        QVERIFY(QDir().mkpath(models));
        QVERIFY(QFile::copy(golden + "loras/kohya.safetensors", models + "/shine.safetensors"));
        drop(models + "/shine.safetensors");
        QTRY_COMPARE(request.loras.size(), size_t{1});
        QVERIFY(studio.window.compose().sectionOf("lora")->isOpen());
        // The library finds it afterwards: what it is called is in the list then.
        QTRY_VERIFY(studio.window.document().companion(core::CompanionKind::Lora, "shine"));
        drop(golden + "control/nets/control-sd1.safetensors");
        QTRY_COMPARE(request.controls.size(), size_t{1});
        QVERIFY(QString::fromStdString(request.controls[0]).startsWith(golden));
        drop(golden + "tiny-sd1.safetensors");
        QTRY_VERIFY2(studio.window.compose().notice()->text().contains("is no LoRA"),
                     qPrintable(studio.window.compose().notice()->text()));
    }

    void aPictureOfTheStripSteersTheNextAndStaysWhenParametersAreUsed() {
        Studio studio(m_theme);
        core::CompanionInfo net;
        net.name = "edges";
        net.kind = "ControlNet";
        net.path = "/models/edges.safetensors";
        studio.window.document().setCompanions({net});
        studio.window.generate();
        QTRY_VERIFY(studio.made(1));
        QTRY_VERIFY(studio.window.pictureActions().followPicture->isEnabled());
        studio.window.pictureActions().followPicture->trigger();
        const std::string picture = studio.window.gallery().itemAt(0)->path.string();
        const pipelines::ImageRequest& request = studio.window.document().request();
        QCOMPARE(request.controls, std::vector<std::string>{"edges"});
        QCOMPARE(request.controlImages, std::vector<std::string>{picture});
        studio.window.pictureActions().useParameters->trigger(); // made without a net
        QTRY_VERIFY(request.controls.empty());
        QVERIFY(request.controlImages.empty());
        studio.press(Qt::Key_Z, Qt::ControlModifier);
        QCOMPARE(request.controlImages, std::vector<std::string>{picture});
    }

    void pastedTextGivesItsParameters() {
        Studio studio(m_theme);
        QGuiApplication::clipboard()->setText(
            "a lighthouse\nNegative prompt: fog\nSteps: 9, Sampler: "
            "Euler, CFG scale: 4, Seed: 123, Size: 64x128");
        studio.press(Qt::Key_V, Qt::ControlModifier | Qt::ShiftModifier);
        QTRY_COMPARE(studio.prompt()->toPlainText(), "a lighthouse");
        QCOMPARE(*studio.window.document().request().seed, 123);
        QCOMPARE(*studio.window.document().request().height, 128);
    }

    void copyPutsAPictureWithItsTextOnTheClipboard() {
        Studio studio(m_theme);
        studio.window.generate();
        QTRY_VERIFY(studio.made(1));
        studio.window.pictureActions().copy->trigger();
        QTRY_VERIFY(QGuiApplication::clipboard()->mimeData()->hasFormat("image/png"));
        const QByteArray png = QGuiApplication::clipboard()->mimeData()->data("image/png");
        QVERIFY(png.startsWith("\x89PNG"));
        QVERIFY(png.contains("red apple"));
    }

    void earlierPicturesAreInTheStripWithTheirSeed() {
        Studio studio(m_theme);
        studio.window.document().setText(*pipelines::findImageParameter("seed"), "4711");
        studio.window.generate();
        QTRY_VERIFY(studio.made(1));
        Theme theme;
        MainWindow second(theme, studio.context());
        second.start();
        QTRY_COMPARE(second.gallery().rowCount(), 1);
        QTRY_COMPARE(second.galleryPanel().currentId(), second.gallery().itemAt(0)->id);
        QTRY_VERIFY(second.gallery().itemAt(0)->provenance.has_value());
        QCOMPARE(*second.gallery().itemAt(0)->provenance->request.seed, 4711);
        QTRY_COMPARE(second.viewer().canvas()->pictureSize(), QSize(64, 64));
    }
};

} // namespace kinora::app

QTEST_MAIN(kinora::app::WindowPicturesTest)
#include "window_pictures_test.moc"
